/*
** Turns the word tables that translators edit (search/languages) into a C file of constant arrays (search/parse/tables.h): what
** alternatives, options and choices a rule has is written out here, so that the program only compares rows of numbers.
**
** usage: words OUT.c TABLE.words...
**
** A fault is told as "FILE:LINE: what is wrong" and nothing is written. A tool of the build: what it allocates lives until it
** ends.
*/
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/parse/lexer.h"
#include "search/parse/tables.h"

#define MAX_ELEMENTS 16
#define MAX_ALTERNATIVES 20000 /* of one rule */

typedef struct strings {
    char **items;
    size_t count, room;
} strings;

typedef struct row { /* a pattern before words have numbers */
    ps__pattern pattern;
    uint32_t elements[MAX_ELEMENTS]; /* words by their place in `words` */
    int tells; /* its words tell the language: they are no names, nor parts of one ("cinco de mayo") */
} row;

static const char *file;
static int line;
static strings words, texts, languages;
static uint16_t *langs, *name_langs; /* [words.count] */
static row *rows;
static size_t row_count, row_room;
static uint32_t *order;  /* [words.count] words in order of their bytes */
static uint32_t *number; /* [words.count] place in that order */

static void fail(const char *format, ...) {
    va_list args;
    if (file) fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void *grow(void *p, size_t size) {
    p = realloc(p, size);
    if (!p) fail("out of memory");
    return p;
}

static char *copy(const char *s, size_t n) {
    char *c = grow(NULL, n + 1);
    memcpy(c, s, n);
    c[n] = 0;
    return c;
}

static size_t add_string(strings *list, char *s) {
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->items = grow(list->items, list->room * sizeof *list->items);
    }
    list->items[list->count] = s;
    return list->count++;
}

static void clear_strings(strings *list) {
    for (size_t i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof *list);
}

/* ---- Writing out: "a [the] (b|c)" to "a b", "a c", "a the b", "a the c" ---- */

static strings expand_choice(const char **s, char close);

static strings expand_row(const char **s, char close) {
    strings done = {0};
    add_string(&done, copy("", 0));
    while (**s && **s != '|' && **s != close) {
        strings part = {0}, next = {0};
        char c = **s;
        if (c == ')' || c == ']') fail("'%c' closes nothing", c);
        if (c == '(' || c == '[') {
            ++*s;
            part = expand_choice(s, c == '(' ? ')' : ']');
            if (**s != (c == '(' ? ')' : ']')) fail("'%c' is not closed", c);
            ++*s;
            if (c == '[') add_string(&part, copy("", 0));
        } else {
            size_t n = strcspn(*s, "()[]|");
            add_string(&part, copy(*s, n));
            *s += n;
        }
        if (done.count * part.count > MAX_ALTERNATIVES)
            fail("the rule has more than %d alternatives when it is written out", MAX_ALTERNATIVES);
        for (size_t i = 0; i < done.count; i++)
            for (size_t j = 0; j < part.count; j++) {
                size_t a = strlen(done.items[i]), b = strlen(part.items[j]);
                char *both = grow(NULL, a + b + 1);
                memcpy(both, done.items[i], a);
                memcpy(both + a, part.items[j], b + 1);
                add_string(&next, both);
            }
        clear_strings(&done);
        clear_strings(&part);
        done = next;
    }
    return done;
}

static strings expand_choice(const char **s, char close) {
    strings all = {0};
    for (;;) {
        strings one = expand_row(s, close);
        for (size_t i = 0; i < one.count; i++) add_string(&all, one.items[i]);
        free(one.items);
        if (**s != '|') return all;
        ++*s;
    }
}

/* ---- Elements ---- */

/* `tells`: the word tells that a sentence is in the language; of a name it is only likely. */
static uint32_t word_number(const char *folded, size_t lang, int tells) {
    size_t i;
    for (i = 0; i < words.count; i++)
        if (strcmp(words.items[i], folded) == 0) break;
    if (i == words.count) {
        add_string(&words, copy(folded, strlen(folded)));
        langs = grow(langs, words.count * sizeof *langs);
        name_langs = grow(name_langs, words.count * sizeof *name_langs);
        langs[i] = name_langs[i] = 0;
    }
    uint16_t *told = tells ? langs : name_langs;
    told[i] = (uint16_t)(told[i] | 1u << lang);
    return (uint32_t)i;
}

static uint32_t slot_number(const char *name, size_t n) {
    for (int i = 1; i < PS__SYM_COUNT; i++)
        if (ps__symbols[i].slot && strlen(ps__symbols[i].slot) == n && memcmp(ps__symbols[i].slot, name, n) == 0)
            return (uint32_t)i;
    if (n == 6 && memcmp(name, "number", n) == 0) return PS__SYM_N;
    fail("there is no slot {%.*s}", (int)n, name);
    return 0;
}

static void add_element(row *r, uint32_t element) {
    if (r->pattern.count == MAX_ELEMENTS) fail("an alternative has more than %d words", MAX_ELEMENTS);
    r->elements[r->pattern.count++] = element;
}

/* Words of a piece of text without slots, cut as sentences are. */
static void add_words(row *r, const char *s, size_t n, size_t lang) {
    char text[256];
    ps__lexer lexer;
    int weak = n > 1 && s[n - 1] == '?', elided;
    if (weak) n--;
    int possessive = n > 1 && s[0] == '\'';                            /* "'s": cut as if behind a word */
    elided = n > 1 && s[n - 1] == '\'' && (n <= 3 || s[n - 2] == 'u'); /* "l'", "jusqu'": cut as if a word followed */
    if (n > sizeof text - 3) fail("a word has more than %zu bytes", sizeof text - 3);
    size_t lead = possessive ? 1 : 0;
    text[0] = 'x';
    memcpy(text + lead, s, n);
    text[lead + n] = 'x';
    if (!ps__lex(&lexer, text, lead + n + (elided ? 1 : 0))) fail("out of memory");
    for (size_t i = lead; i < lexer.count - (elided ? 1 : 0); i++) {
        const ps__token *t = &lexer.tokens[i];
        const char *folded = lexer.folds.bytes + t->fold;
        if (ps__token_joins(&lexer, i)) continue;
        if (!t->fold_length) fail("'%.*s' holds no word", (int)n, s);
        add_element(r, word_number(folded, lang, r->tells) | (weak ? PS__ELEMENT_WEAK : 0));
    }
    ps__lexer_free(&lexer);
}

static void add_row(const row *r) {
    if (row_count == row_room) {
        row_room = row_room ? row_room * 2 : 1024;
        rows = grow(rows, row_room * sizeof *rows);
    }
    rows[row_count++] = *r;
}

/* 1: more than one word. */
static int has_blank(const char *s) {
    s += strspn(s, " ");
    s += strcspn(s, " ");
    return s[strspn(s, " ")] != 0;
}

static void add_alternative(const char *s, const ps__pattern *like) {
    row r = {.pattern = *like};
    r.tells = like->symbol != PS__SYM_AMBIGUOUS_PLACE && !(like->symbol == PS__SYM_HOLIDAY && has_blank(s));
    while (*s) {
        size_t n = strcspn(s, " {");
        if (n) {
            add_words(&r, s, n, like->lang);
            s += n;
        } else if (*s == ' ') {
            s++;
        } else {
            size_t slot = strcspn(s, "}");
            if (!s[slot]) fail("'{' is not closed");
            add_element(&r, slot_number(s + 1, slot - 1) | PS__ELEMENT_SYMBOL);
            s += slot + 1;
        }
    }
    if (!r.pattern.count) fail("an alternative is empty");
    uint32_t first = r.elements[0];
    if (first == (PS__ELEMENT_SYMBOL | PS__SYM_WORD) || first == (PS__ELEMENT_SYMBOL | PS__SYM_WORDS))
        fail("an alternative may not begin with {word} or {words}");
    add_row(&r);
}

/* ---- Rules ---- */

static int32_t text_place(const char *s) {
    int32_t at = 0;
    for (size_t i = 0; i < texts.count; i++) {
        if (strcmp(texts.items[i], s) == 0) return at;
        at += (int32_t)strlen(texts.items[i]) + 1;
    }
    add_string(&texts, copy(s, strlen(s)));
    return at;
}

static int32_t value_of(const ps__symbol *symbol, const char *value) {
    char *end;
    long n;
    if (symbol->value == PS__VALUE_NONE && *value) fail("the rule '%s' takes no value", symbol->rule);
    if (symbol->value != PS__VALUE_NONE && !*value) fail("the rule '%s' needs a value", symbol->rule);
    switch (symbol->value) {
    case PS__VALUE_NUMBER:
        n = strtol(value, &end, 10);
        if (*end || n < symbol->low || n > symbol->high)
            fail("'%s' is no number from %d to %d", value, symbol->low, symbol->high);
        return (int32_t)n;
    case PS__VALUE_NAME:
        for (int i = 0; symbol->names[i]; i++)
            if (*value && strcmp(symbol->names[i], value) == 0) return i;
        fail("the rule '%s' knows no value '%s'", symbol->rule, value);
        return 0;
    case PS__VALUE_COUNTRY:
        if (strlen(value) != 2 || value[0] < 'A' || value[0] > 'Z' || value[1] < 'A' || value[1] > 'Z')
            fail("'%s' is no country code", value);
        return value[0] * 256 + value[1];
    case PS__VALUE_TEXT: return text_place(value);
    default: return 0;
    }
}

static void read_rule(const char *s, int *lang) {
    char name[64], value[64] = "";
    const char *equals = strchr(s, '=');
    ps__pattern pattern = {0};
    int symbol = 0;
    if (sscanf(s, " %63[^ =] %63[^ =]", name, value) < 1) fail("a rule has no name");
    if (strcmp(name, "language") == 0) {
        if (*lang >= 0) fail("the language is told twice");
        if (strlen(value) != 2 || equals) fail("a language is told as 'language en'");
        if (languages.count == 16) fail("more than 16 languages");
        *lang = (int)add_string(&languages, copy(value, 2));
        return;
    }
    if (*lang < 0) fail("the first rule must be 'language XX'");
    if (!equals) fail("'=' is missing");
    for (int i = 1; i < PS__SYM_COUNT && !symbol; i++)
        if (ps__symbols[i].rule && strcmp(ps__symbols[i].rule, name) == 0) symbol = i;
    if (!symbol) fail("there is no rule '%s'", name);
    pattern.symbol = (uint8_t)symbol;
    pattern.stage = (uint8_t)ps__symbols[symbol].stage;
    pattern.lang = (uint8_t)*lang;
    pattern.value = value_of(&ps__symbols[symbol], value);
    const char *rest = equals + 1;
    strings all = expand_choice(&rest, 0);
    for (size_t i = 0; i < all.count; i++) add_alternative(all.items[i], &pattern);
    clear_strings(&all);
}

/* A line that ends in a backslash goes on in the next one. */
static void read_table(const char *path) {
    char *joined = copy("", 0), *buffer = NULL;
    size_t length = 0, room = 0;
    int lang = -1, at = 0;
    FILE *f = fopen(path, "r");
    if (!f) fail("%s: cannot be read", path);
    file = path;
    for (ssize_t n; (n = getline(&buffer, &room, f)) >= 0;) {
        at++;
        if (!length) line = at;
        while (n && (buffer[n - 1] == '\n' || buffer[n - 1] == '\r' || buffer[n - 1] == ' ' || buffer[n - 1] == '\t'))
            buffer[--n] = 0;
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] == '\t') buffer[i] = ' ';
        char *hash = strchr(buffer, '#');
        if (hash) n = hash - buffer;
        int more = n && !hash && buffer[n - 1] == '\\';
        if (more) n--;
        joined = grow(joined, length + (size_t)n + 2);
        memcpy(joined + length, buffer, (size_t)n);
        length += (size_t)n;
        joined[length] = 0;
        if (more) {
            joined[length++] = ' ';
            joined[length] = 0;
            continue;
        }
        if (joined[strspn(joined, " ")]) read_rule(joined, &lang);
        length = 0;
        joined[0] = 0;
    }
    if (length) fail("the last line ends in a backslash");
    if (lang < 0) fail("the table names no language");
    fclose(f);
    free(buffer);
    free(joined);
    file = NULL;
}

/* ---- The C file ---- */

static int by_word(const void *a, const void *b) {
    return strcmp(words.items[*(const uint32_t *)a], words.items[*(const uint32_t *)b]);
}

static void number_words(void) {
    order = grow(NULL, words.count * sizeof *order + 1);
    number = grow(NULL, words.count * sizeof *number + 1);
    for (size_t i = 0; i < words.count; i++) order[i] = (uint32_t)i;
    qsort(order, words.count, sizeof *order, by_word);
    for (size_t i = 0; i < words.count; i++) number[order[i]] = (uint32_t)i;
    for (size_t r = 0; r < row_count; r++)
        for (int i = 0; i < rows[r].pattern.count; i++) {
            uint32_t e = rows[r].elements[i];
            if (!(e & PS__ELEMENT_SYMBOL)) rows[r].elements[i] = number[e & PS__ELEMENT_NUMBER] | (e & PS__ELEMENT_WEAK);
        }
}

/* By what it begins with, words before symbols, then by stage, then as it stands in the tables. */
static int by_first(const void *a, const void *b) {
    const row *p = a, *q = b;
    uint32_t x = p->elements[0] & ~PS__ELEMENT_WEAK, y = q->elements[0] & ~PS__ELEMENT_WEAK;
    if (x != y) return x < y ? -1 : 1;
    if (p->pattern.stage != q->pattern.stage) return p->pattern.stage < q->pattern.stage ? -1 : 1;
    if (p->pattern.symbol != q->pattern.symbol) return p->pattern.symbol < q->pattern.symbol ? -1 : 1;
    if (p->pattern.value != q->pattern.value) return p->pattern.value < q->pattern.value ? -1 : 1;
    if (p->pattern.lang != q->pattern.lang) return p->pattern.lang < q->pattern.lang ? -1 : 1;
    if (p->pattern.count != q->pattern.count) return p->pattern.count < q->pattern.count ? -1 : 1;
    return memcmp(p->elements, q->elements, p->pattern.count * sizeof *p->elements);
}

/* Options give some alternatives twice. */
static void drop_doubles(void) {
    size_t kept = 0;
    for (size_t r = 0; r < row_count; r++)
        if (!kept || by_first(&rows[kept - 1], &rows[r]) != 0 ||
            memcmp(rows[kept - 1].elements, rows[r].elements, sizeof rows[r].elements) != 0)
            rows[kept++] = rows[r];
    row_count = kept;
}

static void write_string(FILE *f, const char *s) {
    fputs("    \"", f);
    for (; *s; s++) fprintf(f, *s == '"' || *s == '\\' ? "\\%c" : (unsigned char)*s < 0x80 ? "%c" : "\\%03o", (unsigned char)*s);
    fputs("\\0\"\n", f);
}

static void write_words(FILE *f) {
    uint32_t at = 0;
    fputs("static const char WORDS[] =\n", f);
    for (size_t i = 0; i < words.count; i++) write_string(f, words.items[order[i]]);
    fputs("    \"\";\nstatic const uint32_t WORD_AT[] = {", f);
    for (size_t i = 0; i < words.count; i++) {
        fprintf(f, "%s%u,", i % 16 ? " " : "\n    ", at);
        at += (uint32_t)strlen(words.items[order[i]]) + 1;
    }
    fputs("\n};\nstatic const uint16_t WORD_LANGS[] = {", f);
    for (size_t i = 0; i < words.count; i++) fprintf(f, "%s%u,", i % 16 ? " " : "\n    ", langs[order[i]]);
    fputs("\n};\nstatic const uint16_t NAME_LANGS[] = {", f);
    for (size_t i = 0; i < words.count; i++) fprintf(f, "%s%u,", i % 16 ? " " : "\n    ", name_langs[order[i]]);
    fputs("\n};\n", f);
}

static void write_index(FILE *f, const char *name, size_t count, uint32_t flag) {
    size_t r = 0;
    if (flag)
        while (r < row_count && !(rows[r].elements[0] & flag)) r++;
    fprintf(f, "static const uint32_t %s[] = {", name);
    for (size_t i = 0; i < count; i++) {
        while (r < row_count && (rows[r].elements[0] & PS__ELEMENT_SYMBOL) == flag &&
               (rows[r].elements[0] & PS__ELEMENT_NUMBER) < i)
            r++;
        fprintf(f, "%s%zu,", i % 16 ? " " : "\n    ", r);
    }
    while (r < row_count && (flag || !(rows[r].elements[0] & PS__ELEMENT_SYMBOL))) r++;
    fprintf(f, " %zu\n};\n", r);
}

static void write_patterns(FILE *f) {
    uint32_t at = 0;
    fputs("static const uint32_t ELEMENTS[] = {\n", f);
    for (size_t r = 0; r < row_count; r++) {
        fputs("   ", f);
        for (int i = 0; i < rows[r].pattern.count; i++) fprintf(f, " 0x%X,", rows[r].elements[i]);
        fputc('\n', f);
    }
    fputs("};\nstatic const ps__pattern PATTERNS[] = {\n", f);
    for (size_t r = 0; r < row_count; r++) {
        const ps__pattern *p = &rows[r].pattern;
        fprintf(f, "    {%u, %u, %u, %u, %u, %d},\n", at, p->count, p->lang, p->symbol, p->stage, p->value);
        at += p->count;
    }
    fputs("};\n", f);
}

static void write_tables(const char *path) {
    FILE *f = fopen(path, "w");
    if (!f) fail("%s: cannot be written", path);
    fputs("/* Made by tools/words from search/languages. */\n#include \"search/parse/tables.h\"\n\n#include <stddef.h>\n\n", f);
    write_words(f);
    write_index(f, "OF_WORD", words.count, 0);
    write_index(f, "OF_SYMBOL", PS__SYM_COUNT, PS__ELEMENT_SYMBOL);
    write_patterns(f);
    fputs("static const char TEXTS[] =\n", f);
    for (size_t i = 0; i < texts.count; i++) write_string(f, texts.items[i]);
    fputs("    \"\";\nstatic const char *const LANGUAGES[] = {", f);
    for (size_t i = 0; i < languages.count; i++) fprintf(f, "\"%s\", ", languages.items[i]);
    fprintf(f,
            "NULL};\n\nconst ps__tables ps__word_tables = {%zu, WORDS, WORD_AT, WORD_LANGS, NAME_LANGS, OF_WORD, OF_SYMBOL, "
            "PATTERNS, ELEMENTS, TEXTS, LANGUAGES};\n",
            words.count);
    if (ferror(f) | fclose(f)) fail("%s: cannot be written", path);
}

int main(int argc, char **argv) {
    if (argc < 3) fail("usage: words OUT.c TABLE.words...");
    for (int i = 2; i < argc; i++) read_table(argv[i]);
    number_words();
    qsort(rows, row_count, sizeof *rows, by_first);
    drop_doubles();
    write_tables(argv[1]);
    return 0;
}
