/*
** The gallery as the parser sees it; see gallery.h.
*/
#include "search/gallery.h"

#include <string.h>

#include "search/filter.h"
#include "search/plain_words.h"

static int64_t photos_pass(const ps__filter *filter, void *payload) {
    ps__gallery_view *view = payload;
    ps__selection found;
    ps__error why;
    if (ps__filter_select(&found, view->table, view->store, view->gazetteer, filter, 1, &why) != PS__OK) return -1;
    int64_t count = (int64_t)found.count;
    ps__selection_clear(&found);
    return count;
}

static int64_t photos_at(const ps__where *where, void *payload) {
    const ps__filter filter = {.kind = PS__FILTER_WHERE, .where = *where};
    return photos_pass(&filter, payload);
}

static int some_name_has(const ps__name_list *list, const char *text) {
    ps__buf words = PS__BUF_INIT, name = PS__BUF_INIT;
    int has = 0;
    ps__plain_words(&words, text, strlen(text));
    for (size_t i = 1; i < list->count && !has; i++) {
        ps__buf_clear(&name);
        ps__plain_words(&name, list->names[i], strlen(list->names[i]));
        has = ps__plain_words_all(name.bytes, words.bytes);
    }
    ps__buf_free(&words);
    ps__buf_free(&name);
    return has;
}

static int has_camera(const char *words, void *payload) {
    return some_name_has(&((ps__gallery_view *)payload)->table->names->cameras, words);
}

static int has_lens(const char *words, void *payload) {
    return some_name_has(&((ps__gallery_view *)payload)->table->names->lenses, words);
}

static int has_hours(void *payload) {
    const ps__table *table = ((ps__gallery_view *)payload)->table;
    for (size_t i = 0; i < table->chunk_count; i++) {
        const ps__chunk *c = table->chunks[i];
        for (size_t k = 0; k < c->count; k++)
            if ((c->flags[k] & PS__ROW_THERE) && (c->flags[k] & PS__ROW_TAKEN) && ps__taken_has_clock(c->taken_source[k])) return 1;
    }
    return 0;
}

static int64_t photos_when(const ps__when *when, int recurring, void *payload) {
    ps__gallery_view *view = payload;
    const ps__filter filter = {.kind = PS__FILTER_WHEN, .when = *when};
    ps__selection found;
    ps__error why;
    if (ps__filter_select(&found, view->table, NULL, view->gazetteer, &filter, 1, &why) != PS__OK) return -1;
    int64_t count = 0;
    for (size_t w = 0, words = ps__selection_words(view->table); w < words; w++)
        for (uint64_t left = found.bits[w]; left; left &= left - 1) {
            size_t row = w * 64 + (size_t)__builtin_ctzll(left);
            count += !recurring || ps__table_chunk(view->table, row)->taken_source[ps__chunk_row(row)] != PS__TAKEN_MTIME;
        }
    ps__selection_clear(&found);
    return count;
}

void ps__gallery_make(ps__gallery *out, ps__gallery_view *view) {
    *out = (ps__gallery){photos_at, has_camera, has_lens, has_hours, photos_when, photos_pass, view};
}
