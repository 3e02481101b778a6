/*
** What is left for the encoder: the sentence's own words in their order, without what lost its sense when filters were taken out
** of it (prepositions, articles and conjunctions at an edge, and words for photos).
*/
#include <string.h>

#include "search/parse/build.h"

/* Small words that words for photos follow ("all the photos"). */
static size_t small_before_noise(const ps__parse *p, size_t token, size_t to) {
    size_t at = token, n;
    for (int i = 0; i < 6 && at < to && (n = ps__small_at(p, at)) > 0 && !ps__noise_at(p, at); i++) at += n;
    return at > token && at < to && ps__noise_at(p, at) ? at - token : 0;
}

/* Small words that belong to what was taken out before them; behind words for photos these are all but articles. */
static size_t link_at(const ps__parse *p, size_t token, int noise) {
    static const int LINKS[] = {PS__SYM_LINK, PS__SYM_AND, PS__SYM_BUT, PS__SYM_OR};
    size_t n = 0;
    if (noise) return ps__chart_longest(p, token, PS__SYM_ARTICLE) < 0 ? ps__small_at(p, token) : 0;
    for (int i = 0; i < 4 && !n; i++) {
        int32_t item = ps__chart_longest(p, token, LINKS[i]);
        if (item >= 0) n = p->items[item].to - token;
    }
    return n;
}

static void trim_left(const ps__parse *p, ps__run *run, int first) {
    int removed = run->from > 0, after_noise = 0;
    while (run->from < run->to) {
        size_t noise = ps__noise_at(p, run->from), link = link_at(p, run->from, after_noise), lead;
        if (noise && run->from + noise <= run->to) {
            run->from += noise;
            removed = after_noise = 1;
        } else if (removed && (ps__is_pause(p, run->from))) {
            run->from++;
        } else if ((lead = small_before_noise(p, run->from, run->to)) > 0) {
            run->from += lead;
        } else if (removed && first && link && run->from + link <= run->to) {
            run->from += link;
        } else {
            break;
        }
    }
}

/* The item of small words or noise that ends where the run does: its tokens. */
static size_t ends_with(const ps__parse *p, const ps__run *run, size_t (*at)(const ps__parse *p, size_t token)) {
    for (size_t back = 4; back >= 1; back--)
        if (run->to >= run->from + back && at(p, run->to - back) == back) return back;
    return 0;
}

static void trim_right(const ps__parse *p, ps__run *run, int removed) {
    while (run->from < run->to) {
        size_t noise = ends_with(p, run, ps__noise_at), small = ends_with(p, run, ps__small_at);
        if (noise) {
            run->to -= noise;
            removed = 1;
        } else if (removed && ps__is_pause(p, run->to - 1)) {
            run->to--;
        } else if (removed && small) {
            run->to -= small;
        } else {
            break;
        }
    }
}

static void put(ps__buf *out, const ps__parse *p, const ps__run *run) {
    const ps__token *first = ps__token_at(p, run->from);
    uint32_t from = first->from, to = ps__token_at(p, run->to - 1)->to;
    int joined = out->length && first->type == PS__TOKEN_HAN && (unsigned char)out->bytes[out->length - 1] >= 0x80;
    if (out->length && !joined) ps__buf_putc(out, ' ');
    ps__buf_append(out, p->text + from, to - from);
}

static int is_small_only(const ps__parse *p, const ps__run *run) {
    for (size_t i = run->from, n; i < run->to; i += n) {
        n = ps__small_at(p, i);
        if (!n && ps__is_pause(p, i)) n = 1;
        if (!n) return 0;
    }
    return 1;
}

int ps__content_text(char **out, const ps__parse *p, const ps__run *runs, size_t count, int bare, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    int other = 0, first = 1;
    for (int pass = 0; pass < 2; pass++) { /* first whether there is content beside parts of the day */
        ps__buf_clear(&text);
        first = 1;
        for (size_t i = 0; i < count; i++) {
            ps__run run = runs[i];
            if (run.hours && !other) continue;
            if (!bare && !run.hours) {
                int joined = i + 1 < count && runs[i + 1].from == run.to && runs[i + 1].hours && other; /* "dog [at night]" */
                trim_left(p, &run, first);
                trim_right(p, &run, run.to < p->lexer.count && !joined);
                if (run.from < run.to && runs[i].from > 0 && is_small_only(p, &run)) continue;
            }
            if (run.from >= run.to) continue;
            put(&text, p, &run);
            first = 0;
        }
        other = text.length > 0;
        if (!other) break;
    }
    *out = ps__buf_detach(&text);
    return *out ? PS__OK : ps__fail_nomem(err);
}
