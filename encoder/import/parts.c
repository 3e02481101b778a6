/*
** Looking tensors up, and the account of it; see parts.h.
*/
#include "encoder/import/parts.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define NAME 200

void ps__parts_clear(ps__parts *p) {
    ps__free(p->taken);
    p->taken = NULL;
    p->count = p->room = 0;
}

static int is_taken(const ps__parts *p, const ps__weight *w) {
    for (size_t i = 0; i < p->count; i++)
        if (p->taken[i] == w) return 1;
    return 0;
}

static const ps__weight *take(ps__parts *p, const char *name) {
    const ps__weight *w = ps__checkpoint_find(p->import->source->checkpoint, name);
    if (!w || is_taken(p, w)) return w;
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 256;
        const ps__weight **more = ps__realloc(p->taken, room * sizeof *more);
        if (!more) {
            p->failed = PS__NOMEM;
            return w;
        }
        p->taken = more;
        p->room = room;
    }
    p->taken[p->count++] = w;
    return w;
}

const ps__weight *ps__parts_find(ps__parts *p, const char *format, ...) {
    char name[NAME];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return take(p, name);
}

const ps__weight *ps__parts_either(ps__parts *p, const char *prefix, const char *one, const char *other) {
    const ps__weight *w = ps__parts_find(p, "%s%s", prefix, one);
    return w ? w : ps__parts_find(p, "%s%s", prefix, other);
}

int ps__parts_need(const ps__weight **out, ps__parts *p, int rank, const int64_t *shape, const char *format, ...) {
    char name[NAME];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    take(p, name);
    return ps__import_need(out, p->import, rank, shape, p->err, "%s", name);
}

int ps__parts_has(const ps__parts *p, const char *format, ...) {
    char prefix[NAME];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    const ps__weight *w;
    for (size_t i = 0; length >= 0 && (w = ps__checkpoint_at(p->import->source->checkpoint, i)) != NULL; i++)
        if (strncmp(w->name, prefix, (size_t)length) == 0) return 1;
    return 0;
}

/* "num_batches_tracked": how many batches a norm saw in training. */
static int is_counter(const char *name) {
    static const char ending[] = ".num_batches_tracked";
    size_t length = strlen(name), size = sizeof ending - 1;
    return length > size && strcmp(name + length - size, ending) == 0;
}

int ps__parts_finish(const ps__parts *p, const char *prefix) {
    const ps__weight *w;
    if (p->failed) return ps__fail_nomem(p->err);
    for (size_t i = 0; (w = ps__checkpoint_at(p->import->source->checkpoint, i)) != NULL; i++)
        if (strncmp(w->name, prefix, strlen(prefix)) == 0 && !is_counter(w->name) && !is_taken(p, w))
            return ps__import_refuse(p->import, p->err, "tensor %s has no place in the model as it is known", w->name);
    return PS__OK;
}
