/*
** Fuzzes the gazetteer: a file of any bytes is refused or answers, and no text or position does harm. The input is a file; what is asked
** of it comes from its end. The header's checksums are made right again after most mutations, so that what lies behind is reached.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/fuzz/folder.h"
#include "tests/store/small_gazetteer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

static char path[600];
static _Alignas(8) unsigned char honest[SMALL_GAZETTEER_ROOM];
static size_t honest_size;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_folder_make();
    snprintf(path, sizeof path, "%s/places.gazetteer", fuzz_folder);
    honest_size = small_gazetteer(honest);
    return 0;
}

/* ---- Mutation ---- */

static unsigned draw(unsigned *state, unsigned below) {
    *state = *state * 1103515245u + 12345u;
    return (*state >> 8) % below;
}

/* A few bytes of one section become others. All sections but the rows of cities are as likely. */
static void change_section(uint8_t *bytes, size_t size, unsigned *state) {
    static const uint32_t values[] = {0, 1, 2, 5, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    ps__gz_header h;
    memcpy(&h, bytes, sizeof h);
    const ps__gz_section *s = &h.sections[draw(state, PS__GZ_SECTIONS)];
    uint64_t next = size;
    for (int i = 0; i < PS__GZ_SECTIONS; i++)
        if (h.sections[i].offset > s->offset && h.sections[i].offset < next) next = h.sections[i].offset;
    if (s->offset >= next) return;
    size_t at = (size_t)s->offset + draw(state, (unsigned)(next - s->offset)), left = size - at;
    uint32_t value = values[draw(state, sizeof values / sizeof *values)];
    size_t width = (size_t)1 << draw(state, 3);
    memcpy(bytes + at, &value, width < left ? width : left);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    unsigned state = seed;
    if (size < sizeof(ps__gz_header) && room >= honest_size) {
        memcpy(bytes, honest, honest_size);
        size = honest_size;
    } else if (seed % 8 == 0 || size < sizeof(ps__gz_header)) {
        size = LLVMFuzzerMutate(bytes, size, room);
    } else if (seed % 8 == 1) { /* the header's numbers */
        uint32_t value = draw(&state, 2) ? draw(&state, 300) : 1u << draw(&state, 32);
        memcpy(bytes + 12 + 4 * draw(&state, (sizeof(ps__gz_header) - 20) / 4), &value, sizeof value);
    } else {
        for (unsigned n = draw(&state, 4) + 1; n > 0; n--) change_section(bytes, size, &state);
    }
    if (seed % 32 != 0) small_gazetteer_seal(bytes, size);
    return size;
}

/* ---- The target ---- */

static void ask_name(const ps__gazetteer *g, const char *text, size_t length) {
    ps__place places[4];
    ps__error err;
    char *folded, *label;
    int prefix;
    if (ps__gazetteer_fold(&folded, text, length, &err)) abort();
    size_t count = ps__gazetteer_find(places, 4, &prefix, g, folded, strlen(folded));
    for (size_t i = 0; i < count && i < 4; i++)
        if (ps__gazetteer_label(&label, g, &places[i], i % 2 ? "de" : "zh-TW", &err) == 0) ps__free(label);
    ps__free(folded);
}

static void ask_position(const ps__gazetteer *g, double latitude, double longitude) {
    ps__place place;
    ps__position position = {.latitude = latitude, .longitude = longitude};
    if (ps__gazetteer_nearest(&place, g, latitude, longitude) == 0) {
        position.city = place.id;
        position.region = place.region;
        memcpy(position.country, place.country, sizeof position.country);
    }
    for (int64_t id = -300; id < 110; id += id == -200 ? 199 : id == -1 ? 101 : 1)
        if (ps__gazetteer_place(&place, g, id) == 0) ps__place_has(g, &place, &position);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const names[] = {"bonn", "m\xC3\xBCnchen", "munich", "schwabing", "suva", "mu", "zz"};
    ps__gazetteer *g;
    ps__error err;
    double end[2] = {0, 0};
    fuzz_write(path, bytes, size);
    if (ps__gazetteer_open(&g, path, &err)) return 0;
    ps__gazetteer_verify(g, &err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) ask_name(g, names[i], strlen(names[i]));
    ask_name(g, (const char *)bytes + size - (size < 40 ? size : 40), size < 40 ? size : 40);
    if (size >= sizeof end) memcpy(end, bytes + size - sizeof end, sizeof end);
    ps__place place;
    ps__gazetteer_capital(&place, g, "DE");
    ask_position(g, end[0], end[1]);
    ask_position(g, 48.1, 11.5);
    ask_position(g, -16.8, -179.99);
    ask_position(g, 50.7, 7.1);
    ps__gazetteer_free(g);
    return 0;
}
