/*
** Filters over columns; see filter.h. Each filter becomes a test of one row, which says yes, no or unknown. Filters about words
** are asked of the store first, which gives the rows that they hold for.
*/
#include "search/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/plain_words.h"
#include "store/find.h"

enum { NO = 0, YES = 1, UNKNOWN = 2 };

typedef struct test test;
/* Row i of the chunk; `row` is its number in the table. */
typedef int test_fn(const test *t, const ps__chunk *c, size_t i, size_t row);

struct test {
    test_fn *fn;
    const ps__filter *filter;
    const ps__gazetteer *gazetteer;
    ps__when any_hour;  /* when of the filter, at any hour; shares its spans */
    double latitude_off; /* degrees: farther from the place's middle than this is not near it */
    int8_t *countries;  /* [26 * 26] owned, or NULL: ps__place_by_country of "AA", "AB" ... */
    uint8_t *pass;      /* [names] owned: of each camera, lens, format or folder, whether it is one that is asked for */
    uint64_t *bits;     /* owned: rows that words were found for */
};

/* ---- Tests of a row ---- */

int ps__taken_has_clock(int taken_source) { return taken_source >= PS__TAKEN_EXIF && taken_source <= PS__TAKEN_NAME; }

static int by_hour(const ps__when *when) { return !(when->minute_from == 0 && when->minute_to == 24 * 60); }

/* Seasons, holidays and days of the week are no matter of when a file was last written: a copied gallery would be all of one
** season. */
static int recurs(const ps__when *when) { return when->every[0] || when->weekdays != PS__WEEK; }

static int test_when(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    if (!(c->flags[i] & PS__ROW_TAKEN)) return UNKNOWN;
    if (recurs(&t->filter->when) && c->taken_source[i] == PS__TAKEN_MTIME) return UNKNOWN;
    if (!by_hour(&t->filter->when) || ps__taken_has_clock(c->taken_source[i])) return ps__when_has(&t->filter->when, c->taken_s[i]);
    return ps__when_has(&t->any_hour, c->taken_s[i]) ? UNKNOWN : NO;
}

#define LETTERS 26

static int is_code(const char country[2]) { return country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z'; }
static int place_of_code(const char country[2]) { return (country[0] - 'A') * LETTERS + country[1] - 'A'; }

static int test_where(const test *t, const ps__chunk *c, size_t i, size_t row) {
    const ps__where *where = &t->filter->where;
    (void)row;
    if (!(c->flags[i] & PS__ROW_GPS)) return UNKNOWN;
    double latitude = c->latitude[i] / 1e7, longitude = c->longitude[i] / 1e7;
    if (where->near) {
        if (fabs(latitude - where->place.latitude) > t->latitude_off) return NO;
        return ps__place_distance(where->place.latitude, where->place.longitude, latitude, longitude) <= where->radius_km;
    }
    if (!t->gazetteer) return UNKNOWN;
    int by_country = t->countries && is_code(c->country[i]) ? t->countries[place_of_code(c->country[i])] : -1;
    if (by_country >= 0) return by_country;
    /* Most photos are far from a city: told apart without a distance. */
    if (where->place.kind == PS__PLACE_CITY && c->city[i] != where->place.id && fabs(latitude - where->place.latitude) > t->latitude_off)
        return NO;
    ps__position position = {latitude, longitude, c->city[i], c->region[i], {c->country[i][0], c->country[i][1], 0}};
    return ps__place_has(t->gazetteer, &where->place, &position);
}

static int test_camera(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return c->camera[i] ? t->pass[c->camera[i]] : UNKNOWN;
}

static int test_lens(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return c->lens[i] ? t->pass[c->lens[i]] : UNKNOWN;
}

static int test_type(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return c->format[i] ? t->pass[c->format[i]] : UNKNOWN;
}

static int test_flash(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return c->flash[i] == PS__FLASH_UNKNOWN ? UNKNOWN : c->flash[i] == t->filter->value;
}

/* A square may be a hundredth out of true. */
static int test_shape(const test *t, const ps__chunk *c, size_t i, size_t row) {
    int64_t w = c->width[i], h = c->height[i], off = w > h ? w - h : h - w;
    int square = off * 100 <= (w > h ? w : h);
    (void)row;
    if (w <= 0 || h <= 0) return UNKNOWN;
    switch (t->filter->value) {
    case PS__SHAPE_PORTRAIT: return h > w && !square;
    case PS__SHAPE_LANDSCAPE: return w > h && !square;
    case PS__SHAPE_SQUARE: return square;
    default: return w >= 2 * h;
    }
}

static int test_kind(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return (c->kinds[i] & t->filter->value) != 0;
}

static int within(const test *t, double x) { return x >= t->filter->low && x <= t->filter->high; }

static int test_rating(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return c->rating[i] ? within(t, c->rating[i]) : UNKNOWN;
}

static int test_pixels(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return c->width[i] > 0 && c->height[i] > 0 ? within(t, (double)c->width[i] * c->height[i]) : UNKNOWN;
}

static int test_bytes(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)row;
    return within(t, (double)c->bytes[i]);
}

static int test_bits(const test *t, const ps__chunk *c, size_t i, size_t row) {
    (void)c, (void)i;
    return t->bits[row / 64] >> row % 64 & 1;
}

static int test_folder(const test *t, const ps__chunk *c, size_t i, size_t row) {
    return c->flags[i] & PS__ROW_FILES ? test_bits(t, c, i, row) : t->pass[c->folder[i]];
}

/* ---- Making them ---- */

/* What a walk through the store needs. */
typedef struct finding {
    test *t;
    const ps__table *table;
    ps__buf words; /* what folders or names must hold, as ps__plain_words makes it */
    ps__buf text;  /* the same of a path */
    const char *pattern;
    ps__error *err;
} finding;

static int take_photo(int64_t photo, void *payload) {
    finding *f = payload;
    int64_t row = ps__table_row(f->table, photo);
    if (row >= 0) f->t->bits[row / 64] |= UINT64_C(1) << row % 64;
    return PS__OK;
}

static int take_name(int64_t photo, const char *path, void *payload) {
    finding *f = payload;
    const char *name = strrchr(path, '/') + 1;
    ps__buf_clear(&f->text);
    ps__plain_words(&f->text, name, strlen(name));
    if (ps__plain_words_phrase(f->text.bytes, f->words.bytes)) take_photo(photo, f);
    return f->text.failed ? ps__fail_nomem(f->err) : PS__OK;
}

static int take_fitting(int64_t photo, const char *path, void *payload) {
    finding *f = payload;
    if (ps__name_fits(strrchr(path, '/') + 1, f->pattern)) take_photo(photo, f);
    return PS__OK;
}

static int take_any_path(int64_t photo, const char *path, void *payload) {
    (void)path;
    return take_photo(photo, payload);
}

/* 1 when a folder of one of the photo's files has the words. */
static int files_have_words(int *status, finding *f, ps__store *store, int64_t photo) {
    ps__buf paths = PS__BUF_INIT;
    size_t count = 0;
    int has = 0;
    *status = ps__store_paths(&paths, &count, store, photo, f->err);
    for (const char *path = paths.bytes; *status == PS__OK && count && !has; count--, path += strlen(path) + 1) {
        ps__buf_clear(&f->text);
        ps__plain_folders(&f->text, path);
        has = ps__plain_words_phrase(f->text.bytes, f->words.bytes);
        if (f->text.failed) *status = ps__fail_nomem(f->err);
    }
    ps__buf_free(&paths);
    return has;
}

/* The columns know one file of each photo; where there are more, the store is asked. */
static int find_in_folders(finding *f, ps__store *store) {
    const ps__name_list *folders = &f->table->names->folders;
    int status = PS__OK;
    f->t->fn = test_folder;
    f->t->pass = ps__calloc(folders->count, 1);
    if (!f->t->pass) return ps__fail_nomem(f->err);
    for (size_t i = 0; i < folders->count; i++)
        f->t->pass[i] = (uint8_t)ps__plain_words_phrase(folders->names[i], f->words.bytes);
    for (size_t row = 0; row < f->table->rows && status == PS__OK; row++) {
        const ps__chunk *c = ps__table_chunk(f->table, row);
        size_t i = ps__chunk_row(row);
        if ((c->flags[i] & PS__ROW_FILES) && files_have_words(&status, f, store, c->id[i])) f->t->bits[row / 64] |= UINT64_C(1) << row % 64;
    }
    return status;
}

static int find_in_store(finding *f, ps__store *store, const char *text) {
    switch (f->t->filter->kind) {
    case PS__FILTER_FOLDER: return find_in_folders(f, store);
    case PS__FILTER_NAME:
        if (!strpbrk(text, "*?")) return ps__store_find_paths(store, text, take_name, f, f->err);
        return ps__store_find_names(store, text, take_fitting, f, f->err);
    case PS__FILTER_TAG: return ps__store_find_words(store, PS__FIND_TAGS, text, take_photo, f, f->err);
    default: break;
    }
    int status = ps__store_find_words(store, PS__FIND_TEXTS, text, take_photo, f, f->err);
    return status == PS__OK ? ps__store_find_paths(store, text, take_any_path, f, f->err) : status;
}

static int make_found(test *t, const ps__table *table, ps__store *store, ps__error *err) {
    const char *text = t->filter->text ? t->filter->text : "";
    finding f = {t, table, PS__BUF_INIT, PS__BUF_INIT, text, err};
    if (!store) return ps__fail(err, PS__INVALID, "a filter of words was to be answered without a library");
    t->fn = test_bits;
    t->bits = ps__calloc(ps__selection_words(table) + 1, sizeof *t->bits);
    ps__plain_words(&f.words, text, strlen(text));
    int status = !t->bits || f.words.failed ? ps__fail_nomem(err) : find_in_store(&f, store, text);
    ps__buf_free(&f.words);
    ps__buf_free(&f.text);
    return status;
}

static int make_named(test *t, test_fn *fn, const ps__name_list *list, ps__error *err) {
    const char *text = t->filter->text ? t->filter->text : "";
    ps__buf words = PS__BUF_INIT, name = PS__BUF_INIT;
    t->fn = fn;
    t->pass = ps__calloc(list->count, 1);
    ps__plain_words(&words, text, strlen(text));
    for (size_t i = 1; t->pass && i < list->count; i++) {
        ps__buf_clear(&name);
        ps__plain_words(&name, list->names[i], strlen(list->names[i]));
        t->pass[i] = (uint8_t)ps__plain_words_all(name.bytes, words.bytes);
    }
    int failed = !t->pass || words.failed || name.failed;
    ps__buf_free(&words);
    ps__buf_free(&name);
    return failed ? ps__fail_nomem(err) : PS__OK;
}

/* Continents and areas are lists of countries and outlines, which take longer to look through than a table. */
static int make_where(test *t, ps__error *err) {
    const ps__where *where = &t->filter->where;
    t->fn = test_where;
    if (where->near || !t->gazetteer || (where->place.kind != PS__PLACE_CONTINENT && where->place.kind != PS__PLACE_AREA)) return PS__OK;
    t->countries = ps__malloc(LETTERS * LETTERS);
    if (!t->countries) return ps__fail_nomem(err);
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++) {
            const char country[2] = {a, b};
            t->countries[place_of_code(country)] = (int8_t)ps__place_by_country(t->gazetteer, &where->place, country);
        }
    return PS__OK;
}

static int make_test(test *t, const ps__table *table, ps__store *store, const ps__gazetteer *gazetteer, const ps__filter *filter,
                     ps__error *err) {
    const double km_a_degree = 111.1; /* of latitude; a little less than it is */
    *t = (test){.filter = filter, .gazetteer = gazetteer, .any_hour = filter->when};
    t->any_hour.minute_from = 0;
    t->any_hour.minute_to = 24 * 60;
    t->latitude_off = (filter->where.near ? filter->where.radius_km : filter->where.place.radius_km) / km_a_degree;
    switch (filter->kind) {
    case PS__FILTER_WHEN: t->fn = test_when; return PS__OK;
    case PS__FILTER_WHERE: return make_where(t, err);
    case PS__FILTER_CAMERA: return make_named(t, test_camera, &table->names->cameras, err);
    case PS__FILTER_LENS: return make_named(t, test_lens, &table->names->lenses, err);
    case PS__FILTER_TYPE: return make_named(t, test_type, &table->names->formats, err);
    case PS__FILTER_FLASH: t->fn = test_flash; return PS__OK;
    case PS__FILTER_SHAPE: t->fn = test_shape; return PS__OK;
    case PS__FILTER_KIND: t->fn = test_kind; return PS__OK;
    case PS__FILTER_RATING: t->fn = test_rating; return PS__OK;
    case PS__FILTER_PIXELS: t->fn = test_pixels; return PS__OK;
    case PS__FILTER_BYTES: t->fn = test_bytes; return PS__OK;
    case PS__FILTER_FOLDER:
    case PS__FILTER_NAME:
    case PS__FILTER_WORDS:
    case PS__FILTER_TAG: return make_found(t, table, store, err);
    default: return ps__fail(err, PS__INVALID, "a filter of an unknown kind (%d)", filter->kind);
    }
}

static void clear_tests(test *tests, size_t count) {
    for (size_t i = 0; tests && i < count; i++) {
        ps__free(tests[i].countries);
        ps__free(tests[i].pass);
        ps__free(tests[i].bits);
    }
    ps__free(tests);
}

/* ---- Putting them together ---- */

static int holds(const test *t, const ps__chunk *c, size_t i, size_t row) {
    int answer = t->fn(t, c, i, row);
    if (t->filter->negative) return answer != YES;
    return answer == YES || (answer == UNKNOWN && t->filter->lenient);
}

/* Of the rows that are selected, those for which no filter of the group holds go. */
static void apply_group(ps__selection *s, const test *tests, size_t count, int group) {
    size_t words = ps__selection_words(s->table);
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = s->bits[w]; left; left &= left - 1) {
            size_t row = w * 64 + (size_t)__builtin_ctzll(left), i = 0;
            const ps__chunk *c = ps__table_chunk(s->table, row);
            while (i < count && !(tests[i].filter->group == group && holds(&tests[i], c, ps__chunk_row(row), row))) i++;
            if (i < count) continue;
            s->bits[w] &= ~(UINT64_C(1) << row % 64);
            s->count--;
        }
}

/* 1 when this filter is the first one of its group. */
static int begins_group(const ps__filter *filters, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (filters[i].group == filters[at].group) return 0;
    return 1;
}

int ps__filter_select(ps__selection *out, ps__table *table, ps__store *store, const ps__gazetteer *gazetteer, const ps__filter *filters,
                      size_t count, ps__error *err) {
    size_t made = 0;
    int status = ps__selection_all(out, table, err);
    test *tests = ps__calloc(count + 1, sizeof *tests);
    if (status == PS__OK && !tests) status = ps__fail_nomem(err);
    for (; status == PS__OK && made < count; made++) status = make_test(&tests[made], table, store, gazetteer, &filters[made], err);
    for (size_t i = 0; status == PS__OK && i < count; i++)
        if (begins_group(filters, i)) apply_group(out, tests, count, filters[i].group);
    clear_tests(tests, made);
    if (status != PS__OK) ps__selection_clear(out);
    return status;
}
