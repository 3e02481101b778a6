/*
** The command line; see options.h. Options that every command of photosearch knows are taken here too, even where they mean
** nothing.
*/
#include "pull/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/photosearch.h"
#include "pull/say.h"

static const char HELP[] =
    "Usage: photosearch model pull [OPTIONS] NAME\n"
    "       photosearch model pull --list\n"
    "\n"
    "Get a published model from the network and import it. This is the only command that uses the network, and it sends\n"
    "nothing but requests for the files. Nothing is taken before its licence was shown and agreed to; what is broken off goes\n"
    "on the next time.\n"
    "\n"
    "  --list                 Tell the models there are\n"
    "  --dry-run              Tell what would be fetched, and fetch nothing\n"
    "  --show-licence         Print the model's licence\n"
    "  --accept-licence NAME  Agree to the licence of this name, where no terminal can ask\n"
    "  --sha256 [FILE=]HEX    The checksum of a file for which the table has none; can be given for several files\n"
    "  --unverified           Take files without a checksum; what came is told and kept in the receipt\n"
    "  --from URL             A mirror: URL in place of scheme and host of every address\n"
    "  --insecure-http        Allow plain http, which anybody on the way can change\n"
    "  --table FILE           A table of models of one's own\n"
    "  --name NAME            What the imported model is called; as it is called here unless told\n"
    "  --replace              Take the place of an imported model of that name\n"
    "  --no-import            Leave the files, and do not import them\n"
    "  --keep                 Keep the files after the import\n"
    "  --folder DIR           Where files are put, each model in a folder of its own\n"
    "  --retries N            How often to try again without success; 5 unless told\n"
    "  --retry-wait S         Seconds before the first of these, twice as long each time; 1 unless told\n"
    "  --timeout S            Seconds without a byte after which a transfer counts as broken; 30 unless told\n"
    "  --photosearch PROGRAM  The program that imports\n"
    "  --json                 One JSON object a line\n"
    "  -q, --quiet            No notes and no progress\n"
    "  -h, --help             This\n";

enum {
    OPT_LIST,
    OPT_DRY_RUN,
    OPT_SHOW_LICENCE,
    OPT_ACCEPT,
    OPT_SHA256,
    OPT_UNVERIFIED,
    OPT_FROM,
    OPT_INSECURE,
    OPT_TABLE,
    OPT_NAME,
    OPT_REPLACE,
    OPT_NO_IMPORT,
    OPT_KEEP,
    OPT_FOLDER,
    OPT_RETRIES,
    OPT_RETRY_WAIT,
    OPT_TIMEOUT,
    OPT_PROGRAM,
    OPT_JSON,
    OPT_QUIET,
    OPT_HELP,
    OPT_VERSION,
    OPT_NOTHING /* known to all commands, without a meaning here */
};

static const struct option {
    const char *name;
    char letter; /* 0: none */
    int has_value;
    int id; /* OPT_* */
} table[] = {
    {"list", 0, 0, OPT_LIST},
    {"dry-run", 0, 0, OPT_DRY_RUN},
    {"show-licence", 0, 0, OPT_SHOW_LICENCE},
    {"accept-licence", 0, 1, OPT_ACCEPT},
    {"sha256", 0, 1, OPT_SHA256},
    {"unverified", 0, 0, OPT_UNVERIFIED},
    {"from", 0, 1, OPT_FROM},
    {"insecure-http", 0, 0, OPT_INSECURE},
    {"table", 0, 1, OPT_TABLE},
    {"name", 0, 1, OPT_NAME},
    {"replace", 0, 0, OPT_REPLACE},
    {"no-import", 0, 0, OPT_NO_IMPORT},
    {"keep", 0, 0, OPT_KEEP},
    {"folder", 0, 1, OPT_FOLDER},
    {"retries", 0, 1, OPT_RETRIES},
    {"retry-wait", 0, 1, OPT_RETRY_WAIT},
    {"timeout", 0, 1, OPT_TIMEOUT},
    {"photosearch", 0, 1, OPT_PROGRAM},
    {"json", 0, 0, OPT_JSON},
    {"quiet", 'q', 0, OPT_QUIET},
    {"help", 'h', 0, OPT_HELP},
    {"version", 'V', 0, OPT_VERSION},
    {"verbose", 'v', 0, OPT_NOTHING},
    {"library", 0, 1, OPT_NOTHING},
    {"model", 0, 1, OPT_NOTHING},
    {"color", 0, 1, OPT_NOTHING},
    {"log-level", 0, 1, OPT_NOTHING},
};
enum { TABLE_SIZE = sizeof table / sizeof *table };

static int parse_number(double *out, const struct option *option, const char *value, double low, double high) {
    char *end;
    *out = strtod(value, &end);
    if (end != value && !*end && *out >= low && *out <= high) return -1;
    return pull_complain_usage("--%s takes a number from %g to %g, not \"%.40s\"", option->name, low, high, value);
}

static int parse_sum(pull_options *o, const char *value) {
    const char *equals = strrchr(value, '=');
    if (o->sum_count == PULL_FILES_MOST) return pull_complain_usage("--sha256 can be given %d times at most", PULL_FILES_MOST);
    if (!pull_sha256_parse(o->sums[o->sum_count].hex, equals ? equals + 1 : value))
        return pull_complain_usage("--sha256 takes 64 hexadecimal digits, not \"%.80s\"", equals ? equals + 1 : value);
    o->sums[o->sum_count].file = equals ? value : NULL;
    o->sums[o->sum_count++].file_length = equals ? (size_t)(equals - value) : 0;
    return -1;
}

static int set(pull_options *o, const struct option *option, const char *value) {
    double number = 0;
    int status = -1;
    switch (option->id) {
    case OPT_LIST: o->what = PULL_WHAT_LIST; break;
    case OPT_DRY_RUN: o->what = PULL_WHAT_DRY_RUN; break;
    case OPT_SHOW_LICENCE: o->what = PULL_WHAT_LICENCE; break;
    case OPT_ACCEPT: o->accepted = value; break;
    case OPT_SHA256: return parse_sum(o, value);
    case OPT_UNVERIFIED: o->unverified = 1; break;
    case OPT_FROM: o->from = value; break;
    case OPT_INSECURE: o->insecure_http = 1; break;
    case OPT_TABLE: o->table = value; break;
    case OPT_NAME: o->name = value; break;
    case OPT_REPLACE: o->replace = 1; break;
    case OPT_NO_IMPORT: o->no_import = 1; break;
    case OPT_KEEP: o->keep = 1; break;
    case OPT_FOLDER: o->folder = value; break;
    case OPT_RETRIES:
        status = parse_number(&number, option, value, 0, 1000);
        o->tries = (int)number + 1;
        break;
    case OPT_RETRY_WAIT: return parse_number(&o->retry_wait, option, value, 0, 3600);
    case OPT_TIMEOUT:
        status = parse_number(&number, option, value, 1, 3600);
        o->timeout = (int)number;
        break;
    case OPT_PROGRAM: o->program = value; break;
    case OPT_JSON: o->json = 1; break;
    case OPT_QUIET: o->quiet = 1; break;
    case OPT_HELP: fputs(HELP, stdout); return PULL_EXIT_DONE;
    case OPT_VERSION:
        printf("photosearch %d.%d.%d\n", PS_VERSION_MAJOR, PS_VERSION_MINOR, PS_VERSION_PATCH);
        return PULL_EXIT_DONE;
    default: break;
    }
    return status;
}

static int parse_long(pull_options *o, int *at, int argc, char **argv) {
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    for (int i = 0; i < TABLE_SIZE; i++) {
        if (strlen(table[i].name) != length || strncmp(table[i].name, name, length) != 0) continue;
        if (!table[i].has_value)
            return equals ? pull_complain_usage("--%s takes no value", table[i].name) : set(o, &table[i], NULL);
        if (equals) return set(o, &table[i], equals + 1);
        if (*at + 1 >= argc) return pull_complain_usage("--%s needs a value", table[i].name);
        return set(o, &table[i], argv[++*at]);
    }
    return pull_complain_usage("there is no option --%.*s", length > 40 ? 40 : (int)length, name);
}

/* None of the short ones has a value. */
static int parse_short(pull_options *o, const char *letters) {
    for (; *letters; letters++) {
        int i = 0;
        while (i < TABLE_SIZE && table[i].letter != *letters) i++;
        if (i == TABLE_SIZE) return pull_complain_usage("there is no option -%c", *letters);
        int status = set(o, &table[i], NULL);
        if (status >= 0) return status;
    }
    return -1;
}

int pull_options_parse(pull_options *o, int argc, char **argv) {
    int status = -1, only_words = 0;
    *o = (pull_options){.tries = 6, .retry_wait = 1, .timeout = 30};
    for (int i = 1; i < argc && status < 0; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = 1;
        else if (!only_words && strncmp(argv[i], "--", 2) == 0)
            status = parse_long(o, &i, argc, argv);
        else if (!only_words && argv[i][0] == '-' && argv[i][1])
            status = parse_short(o, argv[i] + 1);
        else if (o->model)
            status = pull_complain_usage("one model at a time; what is \"%.60s\"?", argv[i]);
        else
            o->model = argv[i];
    }
    if (status >= 0) return status;
    if (!o->model && o->what != PULL_WHAT_LIST)
        return pull_complain_usage("model pull needs: NAME (--list tells which there are)");
    if (o->model && o->what == PULL_WHAT_LIST)
        return pull_complain_usage("--list tells of all models; what is \"%.60s\"?", o->model);
    if (o->name && !pull_name_is_safe(o->name)) return pull_complain_usage("not a name for a model: \"%.60s\"", o->name);
    return -1;
}

const char *pull_options_sum(const pull_options *o, const char *file, int alone) {
    for (int i = 0; i < o->sum_count; i++) {
        if (!o->sums[i].file && alone) return o->sums[i].hex;
        if (o->sums[i].file && strlen(file) == o->sums[i].file_length &&
            strncmp(o->sums[i].file, file, o->sums[i].file_length) == 0)
            return o->sums[i].hex;
    }
    return NULL;
}
