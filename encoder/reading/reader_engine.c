/*
** Reading with libtesseract, through its C interface; see reader_engine.h.
**
** Text stands anywhere in a photo, in any size, and a search asks for words and not for paragraphs: so the page is not taken apart into
** columns, but looked through for lines wherever they are ("sparse text"). Each area is read by itself, as what is dark and what is light
** differs from one to the next. All dictionaries and models are in memory once this is open.
*/
#include "encoder/reading/reader_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>
#include <time.h>

/* Those of them that are installed. Each one more is tried on every line that the ones before could not make out, and takes its memory. */
#define USUAL "eng+chi_sim"
#define ONE_FOR_ALL "0"  /* Otsu's threshold */
#define ONE_A_PLACE "2"  /* Sauvola's */
#define SURE 60          /* confidence */
#define SMALLEST 32      /* pixels of a side: nothing is made smaller */
#define ASSUMED_DPI 150 /* of a photo it is not known; only guesses of sizes depend on it */

static TessBaseAPI *engine; /* one a process; never given back */

/* What is made at the first use must be made before the cage closes. */
static void warm_up(void) {
    static uint8_t grey[64 * 256];
    char out[256];
    memset(grey, 255, sizeof grey);
    for (int y = 20; y < 44; y++)
        for (int x = 40; x < 200; x++) grey[y * 256 + x] = x / 6 % 2 ? 255 : 0;
    ps__engine_read(out, sizeof out, grey, 256, 64, &(ps__text_area){0, 0, 256, 64, 1, 1}, 1, 1000);
}

int ps__engine_open(const char *languages, char *why, size_t size) {
    const char *wanted = languages[0] ? languages : USUAL;
    engine = TessBaseAPICreate();
    if (!engine || TessBaseAPIInit2(engine, NULL, wanted, OEM_LSTM_ONLY) != 0) {
        snprintf(why, size, "no data for reading %.60s is installed", languages[0] ? languages : "eng");
        return 0;
    }
    TessBaseAPISetPageSegMode(engine, PSM_SPARSE_TEXT);
    warm_up();
    return 1;
}

/* Appends a word unless it is too long for the room; a word holds no '\n'. */
static size_t put_word(char *out, size_t at, size_t room, const char *word, float confidence) {
    size_t length = strlen(word);
    if (length == 0 || room - at < length + 2 || strchr(word, '\n')) return at;
    out[at++] = (char)(' ' + (confidence > 100 ? 100 : confidence > 0 ? (int)confidence : 0));
    memcpy(out + at, word, length);
    out[at + length] = '\n';
    return at + length + 1;
}

/* What was read of a part, behind the `at` bytes that are there. */
static size_t take_words(char *out, size_t at, size_t room) {
    TessResultIterator *words = TessBaseAPIGetIterator(engine);
    if (!words) return at;
    do {
        char *word = TessResultIteratorGetUTF8Text(words, RIL_WORD);
        if (!word) continue;
        at = put_word(out, at, room, word, TessResultIteratorConfidence(words, RIL_WORD));
        TessDeleteText(word);
    } while (TessResultIteratorNext(words, RIL_WORD));
    TessResultIteratorDelete(words);
    return at;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is read at once: an area, maybe made smaller. */
typedef struct part {
    const uint8_t *bytes; /* u8 [height][stride] */
    int width, height, stride;
} part;

/* The mean of each square of `by` x `by` pixels. out: u8 [height / by][width / by] */
static void shrink(uint8_t *out, const uint8_t *grey, int width, int height, int stride, int by) {
    for (int y = 0; y + by <= height; y += by)
        for (int x = 0; x + by <= width; x += by) {
            int sum = 0;
            for (int i = 0; i < by * by; i++) sum += grey[(size_t)(y + i / by) * (size_t)stride + (size_t)(x + i % by)];
            *out++ = (uint8_t)(sum / (by * by));
        }
}

/* Reads one part, behind the `at` bytes that are there. threshold: how dark is told from light. */
static size_t read_part(char *out, size_t at, size_t room, const part *p, const char *threshold, int64_t end_ms) {
    int64_t left_ms = end_ms - now_ms();
    ETEXT_DESC *monitor = left_ms > 0 ? TessMonitorCreate() : NULL;
    if (!monitor) return at;
    TessMonitorSetDeadlineMSecs(monitor, (int)left_ms);
    TessBaseAPISetVariable(engine, "thresholding_method", threshold);
    TessBaseAPISetImage(engine, p->bytes, p->width, p->height, 1, p->stride);
    TessBaseAPISetSourceResolution(engine, ASSUMED_DPI);
    TessBaseAPIRecognize(engine, monitor); /* also of what was not finished there are words */
    at = take_words(out, at, room);
    TessMonitorDelete(monitor);
    return at;
}

/* How much was read for sure, in letters; *all of them, sure or not. */
static size_t sure_letters(size_t *all, const char *words, size_t size) {
    size_t sure = 0;
    *all = 0;
    for (size_t i = 0; i < size;) {
        size_t length = (size_t)((const char *)memchr(words + i, '\n', size - i) - (words + i)) - 1;
        if ((unsigned char)words[i] > ' ' + SURE && length > 1) sure += length;
        *all += length;
        i += length + 2;
    }
    return sure;
}

/* With one threshold for all of the part, which is best for large letters and plain boards; where that reads little, with one for each
** place, and what reads more is taken. */
static size_t look_twice(char *out, size_t at, size_t room, const part *p, int64_t end_ms) {
    size_t all, more;
    size_t first = read_part(out, at, room, p, ONE_FOR_ALL, end_ms), sure = sure_letters(&all, out + at, first - at);
    if (sure * 2 > all) return first;
    size_t second = read_part(out, first, room, p, ONE_A_PLACE, end_ms);
    if (sure_letters(&more, out + first, second - first) <= sure) return first;
    memmove(out + at, out + first, second - first);
    return at + second - first;
}

static size_t read_area(char *out, size_t at, size_t room, const uint8_t *grey, int stride, const ps__text_area *area, int64_t end_ms) {
    part p = {grey + (size_t)area->y * (size_t)stride + (size_t)area->x, area->width, area->height, stride};
    uint8_t *small = NULL;
    int by = area->shrink;
    if (by > 1 && p.width / by >= SMALLEST && p.height / by >= SMALLEST) small = malloc((size_t)(p.width / by) * (size_t)(p.height / by));
    if (small) {
        shrink(small, p.bytes, p.width, p.height, stride, by);
        p = (part){small, p.width / by, p.height / by, p.width / by};
    }
    at = look_twice(out, at, room, &p, end_ms);
    free(small);
    return at;
}

long ps__engine_read(char *out, size_t room, const uint8_t *grey, int width, int height, const ps__text_area *areas, int count,
                     int milliseconds) {
    const int64_t end_ms = now_ms() + milliseconds;
    size_t size = 0;
    (void)height; /* areas lie inside */
    for (int i = 0; i < count; i++) size = read_area(out, size, room, grey, width, &areas[i], end_ms);
    TessBaseAPIClear(engine);
    return (long)size;
}
