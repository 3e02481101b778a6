/*
** The stack machine for pickles (Python's pickletools names the opcodes), without the part that runs anything.
*/
#include "encoder/import/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/import/pickle_names.h"

enum {
    MOST_STACK = 1 << 20,
    MOST_MARKS = 1 << 12,
    MOST_MEMO = 1 << 21,
    CHUNK = 1 << 16,
    MOST_MEMORY = 96 << 20, /* bytes of values; the pickles of the largest published CLIPs make under 1 MB */
    MOST_GLOBAL = 512       /* bytes of "module.name" */
};

typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    unsigned char bytes[];
} chunk;

struct ps__pickle {
    const char *name;        /* for messages; the caller's */
    const uint8_t *at, *end; /* what is still to be read */
    chunk *chunks;           /* memory of all values; the first one has room */
    size_t memory;           /* bytes in chunks */
    ps__pickled **stack;
    size_t depth, room;
    size_t marks[MOST_MARKS]; /* depth of the stack at each open mark */
    size_t mark_count;
    ps__pickled **memo;           /* NULL where nothing was put */
    size_t memo_room, memo_count; /* count: puts, for MEMOIZE */
    ps__pickled *root;            /* once the end is reached */
    ps__error *err;
};

static int refuse(ps__pickle *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(ps__pickle *p, const char *format, ...) {
    char reason[MOST_GLOBAL + 200];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(p->err, PS__MODEL, "%s: %s", p->name, reason);
}

/* ---- Memory ---- */

static void *take(ps__pickle *p, size_t size) {
    size = (size + 7) & ~(size_t)7;
    if (!p->chunks || p->chunks->size - p->chunks->used < size) {
        size_t room = size > CHUNK ? size : CHUNK;
        if (room > MOST_MEMORY - p->memory) {
            refuse(p, "is a pickle that wants more than %d MB of memory", MOST_MEMORY >> 20);
            return NULL;
        }
        chunk *c = ps__malloc(sizeof *c + room);
        if (!c) {
            ps__fail_nomem(p->err);
            return NULL;
        }
        *c = (chunk){p->chunks, 0, room};
        p->chunks = c;
        p->memory += room;
    }
    void *start = p->chunks->bytes + p->chunks->used;
    p->chunks->used += size;
    return start;
}

static ps__pickled *make(ps__pickle *p, int kind) {
    ps__pickled *v = take(p, sizeof *v);
    if (v) {
        memset(v, 0, sizeof *v);
        v->kind = (uint8_t)kind;
    }
    return v;
}

/* Arrays double, and what they leave behind is not used again: at most as much again as they hold. */
static int put(ps__pickle *p, ps__pickled *into, ps__pickled *key, ps__pickled *value) {
    if (into->count == into->room) {
        uint32_t room = into->room ? into->room * 2 : 4;
        ps__pickled_entry *entries = take(p, room * sizeof *entries);
        if (!entries) return p->err ? p->err->code : PS__NOMEM;
        if (into->count) memcpy(entries, into->entries, into->count * sizeof *entries);
        into->entries = entries;
        into->room = room;
    }
    into->entries[into->count++] = (ps__pickled_entry){key, value};
    return PS__OK;
}

/* ---- The stack ---- */

static size_t floor_of(const ps__pickle *p) { return p->mark_count ? p->marks[p->mark_count - 1] : 0; }

static int push(ps__pickle *p, ps__pickled *v) {
    if (!v) return p->err->code;
    if (p->depth == p->room) {
        size_t room = p->room ? p->room * 2 : 256;
        if (room > MOST_STACK) return refuse(p, "is a pickle that piles up more than %d values", MOST_STACK);
        ps__pickled **stack = ps__realloc(p->stack, room * sizeof *stack);
        if (!stack) return ps__fail_nomem(p->err);
        p->stack = stack;
        p->room = room;
    }
    p->stack[p->depth++] = v;
    return PS__OK;
}

static int push_number(ps__pickle *p, int kind, int64_t number) {
    ps__pickled *v = make(p, kind);
    if (v) v->as.number = number;
    return push(p, v);
}

/* Takes the topmost value that no mark lies over; NULL with the error when there is none. */
static ps__pickled *pop(ps__pickle *p) {
    if (p->depth > floor_of(p)) return p->stack[--p->depth];
    refuse(p, "is a damaged pickle: a value is missing on its stack");
    return NULL;
}

static ps__pickled *top(ps__pickle *p) {
    ps__pickled *v = pop(p);
    if (v) p->depth++;
    return v;
}

/* Closes the last mark: what was put since then are stack[*first...depth), which the caller takes off. */
static int close_mark(ps__pickle *p, size_t *first) {
    if (!p->mark_count) return refuse(p, "is a damaged pickle: a mark is missing on its stack");
    *first = p->marks[--p->mark_count];
    return PS__OK;
}

/* ---- Reading bytes ---- */

static uint64_t little(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* `bytes` bytes of the pickle, which it has; NULL with the error when it ends before. */
static const uint8_t *read_bytes(ps__pickle *p, uint64_t bytes) {
    if (bytes > (uint64_t)(p->end - p->at)) {
        refuse(p, "is a damaged pickle: it ends too early");
        return NULL;
    }
    const uint8_t *start = p->at;
    p->at += bytes;
    return start;
}

static int read_length(ps__pickle *p, int bytes, uint64_t *length) {
    const uint8_t *at = read_bytes(p, (uint64_t)bytes);
    if (!at) return p->err->code;
    *length = little(at, bytes);
    return PS__OK;
}

/* Text or bytes that stand behind their length. BINSTRING, of Python 2, may be either. */
static int push_text(ps__pickle *p, int kind, int length_bytes, int may_be_bytes) {
    uint64_t length = 0;
    const uint8_t *bytes;
    int status = read_length(p, length_bytes, &length);
    if (status) return status;
    if (!(bytes = read_bytes(p, length))) return p->err->code;
    if (kind == PS__PICKLED_TEXT && !ps__utf8_valid((const char *)bytes, (size_t)length)) {
        if (!may_be_bytes) return refuse(p, "is a damaged pickle: a string in it is not UTF-8");
        kind = PS__PICKLED_BYTES;
    }
    ps__pickled *v = make(p, kind);
    if (v) {
        v->as.text.bytes = (const char *)bytes;
        v->as.text.length = (size_t)length;
    }
    return push(p, v);
}

/* Two's complement of any length, little-endian. */
static int push_long(ps__pickle *p, int length_bytes) {
    uint64_t length = 0, value;
    const uint8_t *bytes;
    int status = read_length(p, length_bytes, &length);
    if (status) return status;
    if (!(bytes = read_bytes(p, length))) return p->err->code;
    if (length > 8) return push(p, make(p, PS__PICKLED_BIG));
    value = little(bytes, (int)length);
    if (length && length < 8 && bytes[length - 1] & 0x80) value |= ~(uint64_t)0 << 8 * length;
    int64_t number;
    memcpy(&number, &value, 8);
    return push_number(p, PS__PICKLED_INT, number);
}

/* Big-endian, unlike the rest. */
static int push_real(ps__pickle *p) {
    const uint8_t *bytes = read_bytes(p, 8);
    ps__pickled *v;
    uint64_t bits = 0;
    if (!bytes || !(v = make(p, PS__PICKLED_REAL))) return p->err->code;
    for (int i = 0; i < 8; i++) bits = bits << 8 | bytes[i];
    memcpy(&v->as.real, &bits, 8);
    return push(p, v);
}

/* ---- Containers ---- */

/* A new container of what was put since the last mark, in pairs if it is a dict. */
static int push_marked(ps__pickle *p, int kind) {
    size_t first = 0;
    ps__pickled *v = make(p, kind);
    int status = v ? close_mark(p, &first) : p->err->code;
    if (status) return status;
    size_t step = kind == PS__PICKLED_DICT ? 2 : 1;
    if ((p->depth - first) % step) return refuse(p, "is a damaged pickle: a key without a value");
    for (size_t i = first; i < p->depth && !status; i += step)
        status = step == 2 ? put(p, v, p->stack[i], p->stack[i + 1]) : put(p, v, NULL, p->stack[i]);
    p->depth = first;
    return status ? status : push(p, v);
}

static int push_tuple(ps__pickle *p, size_t count) {
    ps__pickled *v = make(p, PS__PICKLED_TUPLE);
    if (!v) return p->err->code;
    if (p->depth - floor_of(p) < count) return refuse(p, "is a damaged pickle: a value is missing on its stack");
    for (size_t i = p->depth - count; i < p->depth; i++) {
        int status = put(p, v, NULL, p->stack[i]);
        if (status) return status;
    }
    p->depth -= count;
    return push(p, v);
}

/* Adds stack[first..depth) to the container below them: objects take both kinds, as they may be made of either. */
static int add(ps__pickle *p, size_t first, int pairs) {
    size_t step = pairs ? 2 : 1, last = p->depth;
    int status = PS__OK;
    if ((last - first) % step) return refuse(p, "is a damaged pickle: a key without a value");
    p->depth = first;
    ps__pickled *into = top(p);
    if (!into) return p->err->code;
    if (into->kind != PS__PICKLED_OBJECT && into->kind != (pairs ? PS__PICKLED_DICT : PS__PICKLED_LIST))
        return refuse(p, "is a damaged pickle: it puts a value into what is no container");
    for (size_t i = first; i < last && !status; i += step)
        status = pairs ? put(p, into, p->stack[i], p->stack[i + 1]) : put(p, into, NULL, p->stack[i]);
    return status;
}

static int add_one(ps__pickle *p, int pairs) {
    size_t count = pairs ? 2 : 1;
    if (p->depth - floor_of(p) < count) return refuse(p, "is a damaged pickle: a value is missing on its stack");
    return add(p, p->depth - count, pairs);
}

static int add_marked(ps__pickle *p, int pairs) {
    size_t first = 0;
    int status = close_mark(p, &first);
    return status ? status : add(p, first, pairs);
}

/* ---- Names and objects ---- */

static int push_global(ps__pickle *p, const char *module, size_t module_length, const char *name, size_t name_length) {
    ps__pickled *v = make(p, PS__PICKLED_GLOBAL);
    size_t length = module_length + 1 + name_length;
    if (!v) return p->err->code;
    if (length > MOST_GLOBAL || !module_length || !name_length || !ps__utf8_valid(module, module_length) ||
        !ps__utf8_valid(name, name_length) || memchr(module, 0, module_length) || memchr(name, 0, name_length))
        return refuse(p, "is a damaged pickle: it names a class without a proper name");
    char *text = take(p, length + 1);
    if (!text) return p->err->code;
    memcpy(text, module, module_length);
    text[module_length] = '.';
    memcpy(text + module_length + 1, name, name_length);
    text[length] = 0;
    if (ps__pickle_is_harmful(text))
        return refuse(p, "its pickle wants %s, which no weights need: nothing of it was run, and the file is not to be trusted",
                      text);
    v->as.text.bytes = text;
    v->as.text.length = length;
    return push(p, v);
}

static const char *read_line(ps__pickle *p, size_t *length) {
    const uint8_t *start = p->at, *newline = memchr(start, '\n', (size_t)(p->end - start));
    if (!newline) {
        refuse(p, "is a damaged pickle: it ends too early");
        return NULL;
    }
    *length = (size_t)(newline - start);
    p->at = newline + 1;
    return (const char *)start;
}

static int read_global(ps__pickle *p) {
    size_t module_length, name_length;
    const char *module = read_line(p, &module_length), *name = module ? read_line(p, &name_length) : NULL;
    return name ? push_global(p, module, module_length, name, name_length) : p->err->code;
}

static int stack_global(ps__pickle *p) {
    ps__pickled *name = pop(p), *module = name ? pop(p) : NULL;
    if (!module) return p->err->code;
    if (name->kind != PS__PICKLED_TEXT || module->kind != PS__PICKLED_TEXT)
        return refuse(p, "is a damaged pickle: it names a class without a proper name");
    return push_global(p, module->as.text.bytes, module->as.text.length, name->as.text.bytes, name->as.text.length);
}

/* What a class or a function would make of its arguments; the topmost value of `drop` is not kept (keywords). */
static int push_call(ps__pickle *p, int with_keywords) {
    ps__pickled *keywords = with_keywords ? pop(p) : NULL;
    if (with_keywords && !keywords) return p->err->code;
    ps__pickled *args = pop(p), *of = args ? pop(p) : NULL, *v = of ? make(p, PS__PICKLED_OBJECT) : NULL;
    if (!v) return p->err->code;
    if (of->kind != PS__PICKLED_GLOBAL && of->kind != PS__PICKLED_OBJECT)
        return refuse(p, "is a damaged pickle: it calls what is no function");
    v->as.call.of = of;
    v->as.call.args = args;
    return push(p, v);
}

/* The state of anything but an object (a dict's attributes, a tensor's...) has no use here. */
static int build(ps__pickle *p) {
    ps__pickled *state = pop(p), *v = state ? top(p) : NULL;
    if (!v) return p->err->code;
    if (v->kind == PS__PICKLED_OBJECT) v->as.call.state = state;
    return PS__OK;
}

static int push_persistent(ps__pickle *p) {
    ps__pickled *id = pop(p), *v = id ? make(p, PS__PICKLED_PERSISTENT) : NULL;
    if (!v) return p->err->code;
    v->as.call.args = id;
    return push(p, v);
}

/* ---- Memo ---- */

static int memoize(ps__pickle *p, uint64_t index) {
    ps__pickled *v = top(p);
    if (!v) return p->err->code;
    if (index >= MOST_MEMO) return refuse(p, "is a pickle that remembers more than %d values", MOST_MEMO);
    if (index >= p->memo_room) {
        size_t room = p->memo_room ? p->memo_room * 2 : 256;
        while (room <= index) room *= 2;
        ps__pickled **memo = ps__realloc(p->memo, room * sizeof *memo);
        if (!memo) return ps__fail_nomem(p->err);
        memset(memo + p->memo_room, 0, (room - p->memo_room) * sizeof *memo);
        p->memo = memo;
        p->memo_room = room;
    }
    p->memo[index] = v;
    p->memo_count++;
    return PS__OK;
}

static int put_memo(ps__pickle *p, int bytes) {
    uint64_t index = 0;
    int status = read_length(p, bytes, &index);
    return status ? status : memoize(p, index);
}

static int get_memo(ps__pickle *p, int bytes) {
    uint64_t index = 0;
    int status = read_length(p, bytes, &index);
    if (status) return status;
    if (index >= p->memo_room || !p->memo[index]) return refuse(p, "is a damaged pickle: it recalls a value that it never had");
    return push(p, p->memo[index]);
}

/* ---- Opcodes ---- */

static int mark(ps__pickle *p) {
    if (p->mark_count == MOST_MARKS) return refuse(p, "is a pickle with more than %d open marks", MOST_MARKS);
    p->marks[p->mark_count++] = p->depth;
    return PS__OK;
}

static int drop(ps__pickle *p, int to_mark) {
    size_t first = 0;
    if (to_mark || (p->mark_count && p->depth == floor_of(p))) {
        int status = close_mark(p, &first);
        if (!status) p->depth = first;
        return status;
    }
    return pop(p) ? PS__OK : p->err->code;
}

static int frame(ps__pickle *p) {
    uint64_t length = 0;
    int status = read_length(p, 8, &length);
    if (!status && length > (uint64_t)(p->end - p->at)) status = refuse(p, "is a damaged pickle: it ends too early");
    return status;
}

static int push_int(ps__pickle *p, int bytes) {
    uint64_t value = 0;
    int status = read_length(p, bytes, &value);
    if (status) return status;
    return push_number(p, PS__PICKLED_INT, bytes == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value);
}

/* Containers, objects and the memo. */
static int run_builder(ps__pickle *p, uint8_t opcode) {
    switch (opcode) {
    case '(': return mark(p);
    case '0': return drop(p, 0);
    case '1': return drop(p, 1);
    case '2': return push(p, top(p));
    case ']':
    case 0x8F: return push(p, make(p, PS__PICKLED_LIST));
    case ')': return push(p, make(p, PS__PICKLED_TUPLE));
    case '}': return push(p, make(p, PS__PICKLED_DICT));
    case 'l':
    case 0x91: return push_marked(p, PS__PICKLED_LIST);
    case 't': return push_marked(p, PS__PICKLED_TUPLE);
    case 'd': return push_marked(p, PS__PICKLED_DICT);
    case 0x85: return push_tuple(p, 1);
    case 0x86: return push_tuple(p, 2);
    case 0x87: return push_tuple(p, 3);
    case 'a': return add_one(p, 0);
    case 's': return add_one(p, 1);
    case 'e':
    case 0x90: return add_marked(p, 0);
    case 'u': return add_marked(p, 1);
    case 'c': return read_global(p);
    case 0x93: return stack_global(p);
    case 'R':
    case 0x81: return push_call(p, 0);
    case 0x92: return push_call(p, 1);
    case 'b': return build(p);
    case 'Q': return push_persistent(p);
    case 'q': return put_memo(p, 1);
    case 'r': return put_memo(p, 4);
    case 0x94: return memoize(p, p->memo_count);
    case 'h': return get_memo(p, 1);
    case 'j': return get_memo(p, 4);
    default: return refuse(p, "is a pickle with the opcode 0x%02X, which is not read", opcode);
    }
}

static int run_opcode(ps__pickle *p, uint8_t opcode) {
    switch (opcode) {
    case 0x95: return frame(p);
    case 'N': return push_number(p, PS__PICKLED_NONE, 0);
    case 0x88: return push_number(p, PS__PICKLED_BOOL, 1);
    case 0x89: return push_number(p, PS__PICKLED_BOOL, 0);
    case 'K': return push_int(p, 1);
    case 'M': return push_int(p, 2);
    case 'J': return push_int(p, 4);
    case 0x8A: return push_long(p, 1);
    case 0x8B: return push_long(p, 4);
    case 'G': return push_real(p);
    case 'X': return push_text(p, PS__PICKLED_TEXT, 4, 0);
    case 0x8C: return push_text(p, PS__PICKLED_TEXT, 1, 0);
    case 0x8D: return push_text(p, PS__PICKLED_TEXT, 8, 0);
    case 'T': return push_text(p, PS__PICKLED_TEXT, 4, 1);
    case 'U': return push_text(p, PS__PICKLED_TEXT, 1, 1);
    case 'B': return push_text(p, PS__PICKLED_BYTES, 4, 0);
    case 'C': return push_text(p, PS__PICKLED_BYTES, 1, 0);
    case 0x8E:
    case 0x96: return push_text(p, PS__PICKLED_BYTES, 8, 0);
    default: return run_builder(p, opcode);
    }
}

static int run(ps__pickle *p) {
    if (p->end - p->at < 2 || p->at[0] != 0x80) return refuse(p, "is not a pickle of protocol 2 to 5");
    if (p->at[1] < 2 || p->at[1] > 5) return refuse(p, "is a pickle of protocol %d; 2 to 5 are read", p->at[1]);
    p->at += 2;
    for (;;) {
        const uint8_t *opcode = read_bytes(p, 1);
        if (!opcode) return p->err->code;
        if (*opcode == '.') break;
        int status = run_opcode(p, *opcode);
        if (status) return status;
    }
    if (p->mark_count) return refuse(p, "is a damaged pickle: it ends with an open mark");
    return (p->root = pop(p)) ? PS__OK : p->err->code;
}

/* ---- Cycles ---- */

enum { UNSEEN, OPEN, DONE };

typedef struct visit { /* a value on the way from the root */
    ps__pickled *value;
    size_t next;   /* number of the child to go to */
    size_t height; /* that the children visited so far give it */
} visit;

/* The i-th value inside of another; NULL past the last. Keys count: a tuple or an object may be one. */
static ps__pickled *child_of(const ps__pickled *v, size_t *i) {
    ps__pickled *found = NULL;
    while (!found && *i < 2 * (size_t)v->count) {
        const ps__pickled_entry *e = &v->entries[*i / 2];
        found = *i % 2 ? e->value : e->key;
        ++*i;
    }
    if (v->kind != PS__PICKLED_OBJECT && v->kind != PS__PICKLED_PERSISTENT) return found;
    ps__pickled *const others[] = {v->as.call.of, v->as.call.args, v->as.call.state};
    while (!found && *i < 2 * (size_t)v->count + 3) found = others[(*i)++ - 2 * (size_t)v->count];
    return found;
}

/* A child is done. It may be shared, so its height counts wherever it hangs, not how deep it lay when it was visited. */
static int raise_parent(ps__pickle *p, visit *parent, size_t height) {
    if (height + 1 > parent->height) parent->height = height + 1;
    return parent->height < PS__PICKLE_DEPTH ? PS__OK : refuse(p, "is a pickle more than %d values deep", PS__PICKLE_DEPTH);
}

/* Goes through all values once, depth first, without recursion. */
static int check_cycles(ps__pickle *p) {
    visit way[PS__PICKLE_DEPTH];
    size_t depth = 0;
    int status = PS__OK;
    way[depth++] = (visit){.value = p->root};
    p->root->state = OPEN;
    while (depth && !status) {
        visit *here = &way[depth - 1];
        ps__pickled *child = child_of(here->value, &here->next);
        if (!child) {
            here->value->state = DONE;
            here->value->height = (uint16_t)here->height;
            if (--depth) status = raise_parent(p, here - 1, here->height);
        } else if (child->state == OPEN) {
            status = refuse(p, "is a pickle with a value that refers to itself");
        } else if (child->state == DONE) {
            status = raise_parent(p, here, child->height);
        } else {
            if (depth == PS__PICKLE_DEPTH) return refuse(p, "is a pickle more than %d values deep", PS__PICKLE_DEPTH);
            child->state = OPEN;
            way[depth++] = (visit){.value = child};
        }
    }
    return status;
}

/* ---- Use ---- */

int ps__pickle_read(ps__pickle **out, ps__pickled **root, const char *name, const uint8_t *bytes, size_t size, ps__error *err) {
    ps__error unused;
    *out = NULL;
    *root = NULL;
    ps__pickle *p = ps__calloc(1, sizeof *p);
    if (!p) return ps__fail_nomem(err);
    p->name = name;
    p->at = bytes;
    p->end = bytes + size;
    p->err = err ? err : &unused;
    int status = run(p);
    if (!status) status = check_cycles(p);
    ps__free(p->stack);
    ps__free(p->memo);
    p->stack = p->memo = NULL;
    p->err = NULL;
    if (status) {
        ps__pickle_free(p);
        return status;
    }
    *out = p;
    *root = p->root;
    return PS__OK;
}

void ps__pickle_free(ps__pickle *p) {
    if (!p) return;
    while (p->chunks) {
        chunk *next = p->chunks->next;
        ps__free(p->chunks);
        p->chunks = next;
    }
    ps__free(p);
}

int ps__pickled_is(const ps__pickled *v, int kind, const char *text) {
    size_t length = strlen(text);
    return v && v->kind == kind && v->as.text.length == length && memcmp(v->as.text.bytes, text, length) == 0;
}

ps__pickled *ps__pickled_get(const ps__pickled *v, const char *key) {
    for (uint32_t i = 0; i < v->count; i++)
        if (ps__pickled_is(v->entries[i].key, PS__PICKLED_TEXT, key)) return v->entries[i].value;
    const ps__pickled *state = v->kind == PS__PICKLED_OBJECT ? v->as.call.state : NULL;
    return state && state->kind == PS__PICKLED_DICT ? ps__pickled_get(state, key) : NULL;
}
