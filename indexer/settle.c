/*
** A hash table of paths over an array of entries. Entries are only ever appended; taking some out rebuilds the table, which is rare (once
** every few seconds) and short (a few thousand entries).
*/
#include "indexer/settle.h"

#include <string.h>

#include "base/alloc.h"

typedef struct entry {
    char *path;         /* owned */
    int64_t first_ns;   /* when it was first noted since it was last taken */
    int64_t last_ns;    /* when it was last noted, or, for a folder, something below it */
    uint8_t writing;    /* a CLOSED is to come */
    uint8_t at_once;    /* a whole file that was renamed to this name */
    uint8_t is_folder;  /* stands for everything below it */
    uint8_t swallows;   /* made from its files: more of them are not kept apart */
    uint32_t hash;      /* of path */
} entry;

struct ps__settle {
    ps__settle_options options;
    entry *entries;        /* [count], room for options.max */
    size_t count;          /* of entries */
    uint32_t *slots;       /* index + 1 into entries, 0 empty; [mask + 1] */
    size_t mask;           /* a power of 2 less 1, at least twice options.max */
    int everything;        /* then there are no entries */
    int64_t first_ns;      /* of everything */
    int64_t last_ns;       /* of everything */
};

static uint32_t hash_of(const char *path, size_t length) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++) h = (h ^ (uint8_t)path[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

/* The slot of this path, or the empty one where it belongs. */
static uint32_t *find_slot(const ps__settle *s, const char *path, size_t length, uint32_t hash) {
    size_t at = hash & s->mask;
    for (; s->slots[at]; at = (at + 1) & s->mask) {
        const entry *e = &s->entries[s->slots[at] - 1];
        if (e->hash == hash && strncmp(e->path, path, length) == 0 && e->path[length] == 0) break;
    }
    return &s->slots[at];
}

/* Valid until the next note. */
static entry *find(const ps__settle *s, const char *path, size_t length) {
    uint32_t slot = *find_slot(s, path, length, hash_of(path, length));
    return slot ? &s->entries[slot - 1] : NULL;
}

static void rebuild(ps__settle *s) {
    memset(s->slots, 0, (s->mask + 1) * sizeof *s->slots);
    for (size_t i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        *find_slot(s, e->path, strlen(e->path), e->hash) = (uint32_t)(i + 1);
    }
}

int ps__settle_new(ps__settle **settle, const ps__settle_options *options, ps__error *err) {
    ps__settle *s = ps__calloc(1, sizeof *s);
    *settle = NULL;
    if (!s) return ps__fail_nomem(err);
    s->options = *options;
    if (s->options.max < 4) s->options.max = 4;
    size_t slots = 8;
    while (slots < 2 * s->options.max) slots *= 2;
    s->mask = slots - 1;
    s->entries = ps__array(s->options.max, sizeof *s->entries);
    s->slots = ps__calloc(slots, sizeof *s->slots);
    if (!s->entries || !s->slots) {
        ps__settle_free(s);
        return ps__fail_nomem(err);
    }
    *settle = s;
    return PS__OK;
}

static void clear(ps__settle *s) {
    for (size_t i = 0; i < s->count; i++) ps__free(s->entries[i].path);
    s->count = 0;
    rebuild(s);
}

void ps__settle_free(ps__settle *settle) {
    if (!settle) return;
    for (size_t i = 0; i < settle->count; i++) ps__free(settle->entries[i].path);
    ps__free(settle->entries);
    ps__free(settle->slots);
    ps__free(settle);
}

void ps__settle_note_everything(ps__settle *s, int64_t now_ns) {
    clear(s);
    if (!s->everything) s->first_ns = now_ns;
    s->everything = 1;
    s->last_ns = now_ns;
}

/* Length of the folder that path lies in; 0: the root of the file system, or none. */
static size_t parent_length(const char *path, size_t length) {
    while (length && path[length - 1] != '/') length--;
    return length ? length - 1 : 0;
}

/* Keeps noted folders above path waiting, and says whether one of them has swallowed it. */
static int note_above(ps__settle *s, const char *path, int64_t now_ns) {
    int swallowed = 0;
    for (size_t length = parent_length(path, strlen(path)); length; length = parent_length(path, length)) {
        entry *e = find(s, path, length);
        if (!e || !e->is_folder) continue;
        e->last_ns = now_ns;
        swallowed |= e->swallows;
    }
    return swallowed;
}

static void apply(entry *e, ps__news change, int64_t now_ns) {
    e->last_ns = now_ns;
    if (change == PS__NEWS_FOLDER) e->is_folder = 1;
    if (change == PS__NEWS_TOUCHED) return; /* says nothing about a writer that may be at work */
    e->writing = change == PS__NEWS_WRITING;
    e->at_once = change == PS__NEWS_ARRIVED;
}

/* PS__NOMEM leaves everything as it was. */
static int append(ps__settle *s, const char *path, size_t length, const entry *like) {
    uint32_t hash = hash_of(path, length);
    char *copy = ps__strndup(path, length);
    if (!copy) return PS__NOMEM;
    s->entries[s->count] = *like;
    s->entries[s->count].path = copy;
    s->entries[s->count].hash = hash;
    *find_slot(s, path, length, hash) = (uint32_t)(++s->count);
    return PS__OK;
}

/* How many entries lie directly in the folder of entries[at]; the quadratic walk happens once in thousands of notes. */
static size_t siblings(const ps__settle *s, size_t at, size_t length) {
    size_t n = 0;
    const char *path = s->entries[at].path;
    for (size_t i = 0; i < s->count; i++) {
        const char *other = s->entries[i].path;
        n += strncmp(other, path, length + 1) == 0 && !strchr(other + length + 1, '/');
    }
    return n;
}

/* Puts the folder of entries[*at], its first `length` bytes, in place of all entries below it; *at becomes the entry after that. */
static int swallow(ps__settle *s, size_t *at, size_t length) {
    entry folder = {.first_ns = INT64_MAX, .is_folder = 1, .swallows = 1};
    size_t kept = 0, before = 0;
    char *copy = ps__strndup(s->entries[*at].path, length);
    if (!copy) return PS__NOMEM;
    for (size_t i = 0; i < s->count; i++) {
        entry *e = &s->entries[i];
        if (strncmp(e->path, copy, length) != 0 || (e->path[length] != '/' && e->path[length] != 0)) {
            before += i < *at;
            s->entries[kept++] = *e;
            continue;
        }
        if (e->first_ns < folder.first_ns) folder.first_ns = e->first_ns;
        if (e->last_ns > folder.last_ns) folder.last_ns = e->last_ns;
        ps__free(e->path);
    }
    folder.path = copy;
    folder.hash = hash_of(copy, length);
    s->entries[kept] = folder;
    s->count = kept + 1;
    *at = before;
    rebuild(s);
    return PS__OK;
}

/* Makes room: folders instead of files; where that does not halve the entries, everything. */
static int collapse(ps__settle *s) {
    for (size_t i = 0; i < s->count;) {
        size_t length = parent_length(s->entries[i].path, strlen(s->entries[i].path));
        if (length == 0 || siblings(s, i, length) < 2) {
            i++;
            continue;
        }
        if (swallow(s, &i, length) != PS__OK) return PS__NOMEM;
    }
    return s->count <= s->options.max / 2 ? PS__OK : PS__NOMEM;
}

void ps__settle_note(ps__settle *s, const char *path, ps__news change, int64_t now_ns) {
    size_t length = strlen(path);
    if (s->everything) {
        s->last_ns = now_ns;
        return;
    }
    int swallowed = note_above(s, path, now_ns);
    entry *e = find(s, path, length);
    if (e) {
        apply(e, change, now_ns);
        return;
    }
    if (swallowed) return;
    if (s->count == s->options.max) {
        if (collapse(s) != PS__OK) {
            ps__settle_note_everything(s, now_ns);
            return;
        }
        ps__settle_note(s, path, change, now_ns);
        return;
    }
    entry fresh = {.first_ns = now_ns};
    apply(&fresh, change, now_ns);
    if (append(s, path, length, &fresh) != PS__OK) ps__settle_note_everything(s, now_ns);
}

size_t ps__settle_count(const ps__settle *s) { return s->everything ? 1 : s->count; }

static int64_t sooner(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t ready_ns(const ps__settle *s, const entry *e) {
    const ps__settle_options *o = &s->options;
    if (e->writing && !e->is_folder) return e->last_ns + o->writing_ns;
    if (e->at_once) return e->last_ns;
    if (e->is_folder) return sooner(e->last_ns + o->quiet_ns, e->first_ns + o->folder_ns);
    return e->last_ns + o->quiet_ns;
}

int64_t ps__settle_next_ns(const ps__settle *s) {
    int64_t next = INT64_MAX;
    if (s->everything) return sooner(s->last_ns + s->options.quiet_ns, s->first_ns + s->options.folder_ns);
    for (size_t i = 0; i < s->count; i++) next = sooner(next, ready_ns(s, &s->entries[i]));
    return next;
}

int ps__settle_take(ps__settled *out, ps__settle *s, int64_t now_ns, ps__error *err) {
    size_t kept = 0;
    *out = (ps__settled){0};
    if (ps__settle_next_ns(s) > now_ns) return PS__OK;
    if (s->everything) {
        out->everything = 1;
        s->everything = 0;
        return PS__OK;
    }
    out->paths = ps__array(s->count, sizeof *out->paths);
    if (!out->paths) return ps__fail_nomem(err);
    for (size_t i = 0; i < s->count; i++) {
        if (ready_ns(s, &s->entries[i]) <= now_ns)
            out->paths[out->count++] = s->entries[i].path;
        else
            s->entries[kept++] = s->entries[i];
    }
    s->count = kept;
    rebuild(s);
    return PS__OK;
}

void ps__settled_free(ps__settled *settled) {
    for (size_t i = 0; i < settled->count; i++) ps__free(settled->paths[i]);
    ps__free(settled->paths);
    *settled = (ps__settled){0};
}
