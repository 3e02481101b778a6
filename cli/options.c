/*
** The command line. Options may stand before or after the command and between words; `--` ends them. What an option means does
** not depend on the command; which commands know it does.
*/
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* What becomes of an option. */
enum {
    OPT_LIBRARY,
    OPT_MODEL,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_COLOR,
    OPT_HELP,
    OPT_VERSION,
    OPT_LIMIT,
    OPT_MIN_SCORE,
    OPT_LITERAL,
    OPT_SORT,
    OPT_AFTER,
    OPT_LIKE,
    OPT_UNIQUE,
    OPT_ALL,
    OPT_SOUTHERN,
    OPT_NOW,
    OPT_SAVED,
    OPT_QUERIES,
    OPT_PRINT0,
    OPT_OPEN,
    OPT_THREADS,
    OPT_HIDDEN,
    OPT_FOLLOW,
    OPT_ALLOW_REMOVAL,
    OPT_RETRY,
    OPT_NO_PREVIEWS,
    OPT_BACKGROUND,
    OPT_IN_PROCESS,
    OPT_FOLLOW_STATUS,
    OPT_ONCE,
    OPT_MAX_CPU,
    OPT_CHARGING,
    OPT_MIN_BATTERY,
    OPT_MAX_TEMPERATURE,
    OPT_LOG_LEVEL,
    OPT_TEXT,
    OPT_IMAGE,
    OPT_LANG,
    OPT_VOCABULARY,
    OPT_DATE,
    OPT_DAYS,
    OPT_MIN_SIMILARITY,
    OPT_PRECISION,
    OPT_ISA,
    OPT_READ_TEXT,
    OPT_LATER,
    OPT_KEEP_OLD,
    OPT_FORCE,
    OPT_LANGUAGES,
    OPT_NAME,
    OPT_CONFIG,
    OPT_PREPROCESS,
    OPT_TOKENIZER,
    OPT_LICENCE,
    OPT_TO,
    OPT_REPLACE,
    OPT_REPORT,
    OPT_PHOTOS,
    OPT_TEXTS,
    OPT_IMAGES
};

static const struct option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    int has_value;
    int id;         /* OPT_* */
    unsigned group; /* TAKES_* of which a command must know one; 0: common to all */
} table[] = {
    {"library", 0, 1, OPT_LIBRARY, 0},
    {"model", 0, 1, OPT_MODEL, 0},
    {"json", 0, 0, OPT_JSON, 0},
    {"quiet", 'q', 0, OPT_QUIET, 0},
    {"verbose", 'v', 0, OPT_VERBOSE, 0},
    {"log-level", 0, 1, OPT_LOG_LEVEL, 0},
    {"color", 0, 1, OPT_COLOR, 0},
    {"help", 'h', 0, OPT_HELP, 0},
    {"version", 'V', 0, OPT_VERSION, 0},
    {"limit", 'k', 1, OPT_LIMIT, TAKES_LIMIT | TAKES_DAY | TAKES_READ},
    {"min-score", 0, 1, OPT_MIN_SCORE, TAKES_LIMIT},
    {"literal", 0, 0, OPT_LITERAL, TAKES_QUERY | TAKES_SAVED},
    {"sort", 0, 1, OPT_SORT, TAKES_QUERY},
    {"after", 0, 1, OPT_AFTER, TAKES_QUERY},
    {"like", 0, 1, OPT_LIKE, TAKES_QUERY},
    {"unique", 0, 0, OPT_UNIQUE, TAKES_QUERY},
    {"all", 0, 0, OPT_ALL, TAKES_QUERY | TAKES_READ},
    {"southern", 0, 0, OPT_SOUTHERN, TAKES_QUERY},
    {"now", 0, 1, OPT_NOW, TAKES_QUERY},
    {"saved", 0, 1, OPT_SAVED, TAKES_QUERY},
    {"queries", 0, 1, OPT_QUERIES, TAKES_QUERY},
    {"print0", '0', 0, OPT_PRINT0, TAKES_PRINT0},
    {"open", 0, 0, OPT_OPEN, TAKES_OPEN},
    {"threads", 'j', 1, OPT_THREADS, TAKES_THREADS},
    {"hidden", 0, 0, OPT_HIDDEN, TAKES_INDEX},
    {"follow-links", 0, 0, OPT_FOLLOW, TAKES_INDEX},
    {"allow-removal", 0, 0, OPT_ALLOW_REMOVAL, TAKES_INDEX},
    {"retry", 0, 0, OPT_RETRY, TAKES_INDEX},
    {"no-previews", 0, 0, OPT_NO_PREVIEWS, TAKES_INDEX},
    {"background", 0, 0, OPT_BACKGROUND, TAKES_INDEX | TAKES_READ},
    {"in-process", 0, 0, OPT_IN_PROCESS, TAKES_INDEX},
    {"follow", 'f', 0, OPT_FOLLOW_STATUS, TAKES_FOLLOW},
    {"once", 0, 0, OPT_ONCE, TAKES_WATCH},
    {"max-cpu", 0, 1, OPT_MAX_CPU, TAKES_WATCH},
    {"only-when-charging", 0, 0, OPT_CHARGING, TAKES_WATCH},
    {"min-battery", 0, 1, OPT_MIN_BATTERY, TAKES_WATCH},
    {"max-temperature", 0, 1, OPT_MAX_TEMPERATURE, TAKES_WATCH},
    {"text", 0, 1, OPT_TEXT, TAKES_EMBED},
    {"image", 0, 1, OPT_IMAGE, TAKES_EMBED | TAKES_IMAGE},
    {"texts", 0, 1, OPT_TEXTS, TAKES_EMBED},
    {"images", 0, 1, OPT_IMAGES, TAKES_EMBED},
    {"lang", 0, 1, OPT_LANG, TAKES_LANG},
    {"date", 0, 1, OPT_DATE, TAKES_DAY},
    {"days", 0, 1, OPT_DAYS, TAKES_DAY},
    {"vocabulary", 0, 1, OPT_VOCABULARY, TAKES_VOCABULARY},
    {"min-similarity", 0, 1, OPT_MIN_SIMILARITY, TAKES_DUPLICATES},
    {"precision", 0, 1, OPT_PRECISION, TAKES_KERNELS},
    {"isa", 0, 1, OPT_ISA, TAKES_KERNELS},
    {"read-text", 0, 0, OPT_READ_TEXT, TAKES_WATCH},
    {"languages", 0, 1, OPT_LANGUAGES, TAKES_READ},
    {"later", 0, 0, OPT_LATER, TAKES_CHANGE},
    {"keep-old", 0, 0, OPT_KEEP_OLD, TAKES_CHANGE},
    {"force", 0, 0, OPT_FORCE, TAKES_CHANGE},
    {"name", 0, 1, OPT_NAME, TAKES_IMPORT},
    {"config", 0, 1, OPT_CONFIG, TAKES_IMPORT},
    {"preprocess", 0, 1, OPT_PREPROCESS, TAKES_IMPORT},
    {"tokenizer", 0, 1, OPT_TOKENIZER, TAKES_IMPORT},
    {"licence", 0, 1, OPT_LICENCE, TAKES_IMPORT},
    {"to", 0, 1, OPT_TO, TAKES_IMPORT},
    {"replace", 0, 0, OPT_REPLACE, TAKES_IMPORT},
    {"report", 0, 0, OPT_REPORT, TAKES_IMPORT},
    {"photos", 0, 1, OPT_PHOTOS, TAKES_IMPORT},
};
#define TABLE_SIZE (sizeof table / sizeof *table)

/* What has been seen so far. */
typedef struct state {
    options *o;
    unsigned seen[TABLE_SIZE]; /* 1: given; to be compared with the command's options at the end */
    int help, version;
} state;

/* A whole number in low..high; -1 after complaining. */
static int parse_number(int *out, const char *name, const char *value, int low, int high) {
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (errno || end == value || *end || n < low || n > high)
        return complain_usage("--%s takes a number from %d to %d, not \"%.40s\"", name, low, high, value);
    *out = (int)n;
    return -1;
}

/* Index of the value in the list of words; -1 after complaining. */
static int parse_word(int *out, const char *name, const char *value, const char *const *words) {
    for (*out = 0; words[*out]; ++*out)
        if (strcmp(words[*out], value) == 0) return -1;
    return complain_usage("--%s does not know \"%.40s\"", name, value);
}

static int parse_order(int *out, const char *value) {
    static const char *const orders[] = {"auto", "relevance", "newest", "oldest", NULL};
    if (strcmp(value, "date") == 0) value = "newest";
    return parse_word(out, "sort", value, orders); /* in the order of PS_ORDER_* */
}

static int add_like(options *o, const char *value) {
    if (o->like_count == PS_LIKE_MOST) return complain_usage("--like can be given %d times at most", PS_LIKE_MOST);
    o->like[o->like_count++] = value;
    return -1;
}

/* "2026-11-24", midnight, or "2026-11-24T12:00:00"; the library looks whether there is such a day. */
static int parse_now(const char **out, const char *value) {
    static char whole[20];
    *out = value;
    if (strlen(value) == 10) *out = strcat(strcpy(whole, value), "T00:00:00");
    return strlen(value) == 10 || strlen(value) == 19 ? -1
                                                      : complain_usage("--now takes a date such as 2026-11-24 or 2026-11-24T12:00:00");
}

/* The same for a number that need not be whole. */
static int parse_real(double *out, const char *name, const char *value, double low, double high) {
    char *end;
    *out = strtod(value, &end);
    if (end == value || *end || !(*out >= low && *out <= high))
        return complain_usage("--%s takes a number from %g to %g, not \"%.40s\"", name, low, high, value);
    return -1;
}

/* Returns -1 to go on. value is NULL where the option has none. */
static int set_option(state *s, const struct option *option, const char *value) {
    static const char *const colors[] = {"auto", "always", "never", NULL}, *const precisions[] = {"int8", "float", NULL},
                      *const levels[] = {"error", "warning", "info", "debug", NULL};
    options *o = s->o;
    s->seen[option - table] = 1;
    switch (option->id) {
    case OPT_LIBRARY: o->library = value; break;
    case OPT_MODEL: o->model = value; break;
    case OPT_JSON: o->json = 1; break;
    case OPT_QUIET: o->quiet = 1; break;
    case OPT_VERBOSE: o->verbose = 1; break;
    case OPT_COLOR: return parse_word(&o->color, "color", value, colors);
    case OPT_HELP: s->help = 1; break;
    case OPT_VERSION: s->version = 1; break;
    case OPT_LIMIT: return parse_number(&o->limit, "limit", value, 1, 10000);
    case OPT_MIN_SCORE: o->has_least_score = 1; return parse_real(&o->least_score, "min-score", value, 0, 1);
    case OPT_LITERAL: o->literal = 1; break;
    case OPT_SORT: return parse_order(&o->order, value);
    case OPT_AFTER: o->after = value; break;
    case OPT_LIKE: return add_like(o, value);
    case OPT_UNIQUE: o->unique = 1; break;
    case OPT_ALL: o->all = 1, o->read_flags |= PS_READ_TEXT_ALL; break;
    case OPT_SOUTHERN: o->southern = 1; break;
    case OPT_NOW: return parse_now(&o->now, value);
    case OPT_SAVED: o->saved = value; break;
    case OPT_QUERIES: o->queries = value; break;
    case OPT_PRINT0: o->print0 = 1; break;
    case OPT_OPEN: o->open = 1; break;
    case OPT_THREADS: return parse_number(&o->threads, "threads", value, 1, 256);
    case OPT_HIDDEN: o->index_flags |= PS_INDEX_HIDDEN; break;
    case OPT_FOLLOW: o->index_flags |= PS_INDEX_FOLLOW_LINKS; break;
    case OPT_ALLOW_REMOVAL: o->index_flags |= PS_INDEX_ALLOW_REMOVAL; break;
    case OPT_RETRY: o->index_flags |= PS_INDEX_RETRY; break;
    case OPT_NO_PREVIEWS: o->index_flags |= PS_INDEX_NO_PREVIEWS; break;
    case OPT_BACKGROUND:
        o->index_flags |= PS_INDEX_BACKGROUND;
        o->read_flags |= PS_READ_TEXT_BACKGROUND;
        break;
    case OPT_IN_PROCESS: o->index_flags |= PS_INDEX_IN_PROCESS; break;
    case OPT_FOLLOW_STATUS: o->follow = 1; break;
    case OPT_ONCE: o->once = 1; break;
    case OPT_MAX_CPU: return parse_real(&o->max_cpu, "max-cpu", value, 1, 100000);
    case OPT_CHARGING: o->only_when_charging = 1; break;
    case OPT_MIN_BATTERY: o->has_min_battery = 1; return parse_number(&o->min_battery, "min-battery", value, 0, 100);
    case OPT_MAX_TEMPERATURE: o->has_max_temperature = 1; return parse_real(&o->max_temperature, "max-temperature", value, 0, 150);
    case OPT_LOG_LEVEL: o->has_log_level = 1; return parse_word(&o->log_level, "log-level", value, levels);
    case OPT_TEXT: o->text = value; break;
    case OPT_IMAGE: o->image = value; break;
    case OPT_TEXTS: o->texts = value; break;
    case OPT_IMAGES: o->images = value; break;
    case OPT_LANG: o->lang = value; break;
    case OPT_DATE: o->date = value; break;
    case OPT_DAYS: return parse_number(&o->days, "days", value, 0, 30);
    case OPT_VOCABULARY: o->vocabulary = value; break;
    case OPT_MIN_SIMILARITY: return parse_real(&o->least_similarity, "min-similarity", value, 0.01, 1);
    case OPT_PRECISION: return parse_word(&o->precision, "precision", value, precisions);
    case OPT_ISA: o->isa = value; break;
    case OPT_READ_TEXT: o->index_flags |= PS_WATCH_READ_TEXT; break;
    case OPT_LANGUAGES: o->languages = value; break;
    case OPT_LATER: o->later = 1; break;
    case OPT_KEEP_OLD: o->keep_old = 1; break;
    case OPT_FORCE: o->force = 1; break;
    case OPT_NAME: o->name = value; break;
    case OPT_CONFIG: o->config = value; break;
    case OPT_PREPROCESS: o->preprocess = value; break;
    case OPT_TOKENIZER: o->tokenizer = value; break;
    case OPT_LICENCE: o->licence = value; break;
    case OPT_TO: o->to = value; break;
    case OPT_REPLACE: o->replace = 1; break;
    case OPT_REPORT: o->report = 1; break;
    case OPT_PHOTOS: o->photos = value; break;
    }
    return -1;
}

/* "--name", "--name=value", or "--name" and the next argument. */
static int parse_long(state *s, int *at, int argc, char **argv) {
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strlen(table[i].name) != length || strncmp(table[i].name, name, length) != 0) continue;
        if (!table[i].has_value)
            return equals ? complain_usage("--%s takes no value", table[i].name) : set_option(s, &table[i], NULL);
        if (equals) return set_option(s, &table[i], equals + 1);
        if (*at + 1 >= argc) return complain_usage("--%s needs a value", table[i].name);
        return set_option(s, &table[i], argv[++*at]);
    }
    return complain_usage("there is no option --%.*s", length > 40 ? 40 : (int)length, name);
}

/* "-k5", "-k 5", "-0q". */
static int parse_short(state *s, int *at, int argc, char **argv) {
    for (const char *p = argv[*at] + 1; *p; p++) {
        size_t i = 0;
        while (i < TABLE_SIZE && table[i].letter != *p) i++;
        if (i == TABLE_SIZE) return complain_usage("there is no option -%c", *p >= 0x20 && *p < 0x7F ? *p : '?');
        int status = -1;
        if (!table[i].has_value)
            status = set_option(s, &table[i], NULL);
        else if (p[1])
            return set_option(s, &table[i], p + 1);
        else if (*at + 1 >= argc)
            return complain_usage("-%c needs a value", *p);
        else
            return set_option(s, &table[i], argv[++*at]);
        if (status >= 0) return status;
    }
    return -1;
}

const command *find_command(const char *name) {
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

/* 1 if one character added, dropped or replaced makes one word the other. */
static int is_near(const char *a, const char *b) {
    size_t same = 0, x = strlen(a), y = strlen(b), tail = 0;
    while (a[same] && a[same] == b[same]) same++;
    while (tail < x - same && tail < y - same && a[x - 1 - tail] == b[y - 1 - tail]) tail++;
    return x - same - tail <= 1 && y - same - tail <= 1;
}

/* A hint on stderr where a search may be a mistyped command. "beach ball" is a fine search, though near to bench: only what is
** followed by a file, or near to search itself, is suspect. */
static void hint_command(const options *o) {
    int has_file = 0;
    for (int i = 1; i < o->word_count; i++) has_file |= access(o->words[i], F_OK) == 0;
    for (size_t i = 0; o->word_count > 1 && !o->quiet && commands[i]; i++) {
        if (!is_near(o->words[0], commands[i]->name) || !(has_file || strcmp(commands[i]->name, "search") == 0)) continue;
        complain("this is a search, as \"%s\" is no command; did you mean \"%s\"?", o->words[0], commands[i]->name);
        return;
    }
}

/* Names the command by the first word, or takes all words as a query. */
static const command *choose_command(options *o) {
    const command *named = o->word_count ? find_command(o->words[0]) : NULL;
    if (!named) return find_command("search");
    o->words++;
    o->word_count--;
    return named;
}

static int check_fit(const state *s, const command *c) {
    const options *o = s->o;
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (s->seen[i] && table[i].group && !(table[i].group & c->options))
            return complain_usage("%s does not know --%s", c->name, table[i].name);
    if (o->json && o->print0) return complain_usage("--json and --print0 exclude each other");
    int least = o->queries || o->saved || o->like_count || o->text || (o->image && (c->options & TAKES_EMBED)) ? 0 : c->least;
    if (o->word_count < least) return complain_usage("%s needs: %s", c->name, c->usage);
    if (c->most >= 0 && o->word_count > c->most)
        return complain_usage("%s does not know what to do with \"%.60s\"", c->name, o->words[c->most]);
    return -1;
}

int parse_options(options *o, const command **which, int argc, char **argv) {
    state s = {.o = o};
    int status = -1, only_words = 0;
    memset(o, 0, sizeof *o);
    char **words = o->words = o->all_words = allocate((size_t)argc + 1, sizeof *words);
    if (argc > 1 && find_command(argv[1])) name_help_of(argv[1]); /* where it stands first, as it mostly does */
    for (int i = 1; i < argc && status < 0; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = 1;
        else if (!only_words && strncmp(argv[i], "--", 2) == 0)
            status = parse_long(&s, &i, argc, argv);
        else if (!only_words && argv[i][0] == '-' && argv[i][1])
            status = parse_short(&s, &i, argc, argv);
        else
            words[o->word_count++] = argv[i];
    }
    if (status >= 0) return status;
    if (s.version) {
        printf("photosearch %s\n", ps_version());
        return EXIT_FOUND;
    }
    int bare = o->word_count == 0 || !find_command(o->words[0]);
    *which = choose_command(o);
    if (s.help || (bare && o->word_count == 0 && !o->queries && !o->saved && !o->like_count)) {
        print_help(s.help ? stdout : stderr, bare ? NULL : *which);
        return s.help ? EXIT_FOUND : EXIT_USAGE;
    }
    if (bare) hint_command(o);
    return check_fit(&s, *which);
}
