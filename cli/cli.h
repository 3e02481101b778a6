/*
** What the files of the command line program share: the options, printing, and the list of commands. The program knows the
** library only through photosearch.h.
*/
#ifndef PS_CLI_H
#define PS_CLI_H

#include <stddef.h>
#include <stdio.h>

#include "api/photosearch.h"

/* Exit status, like grep's. */
enum { EXIT_FOUND = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_FAILED = 3, EXIT_SOME_FAILED = 4 };

enum { COLOR_AUTO = 0, COLOR_ALWAYS = 1, COLOR_NEVER = 2 };

/* What was asked for on the command line. Strings point into argv. */
typedef struct options {
    const char *library;      /* --library; NULL: the default */
    const char *model;        /* --model: a path; NULL: the default */
    const char *queries;      /* --queries: a file of queries, "-" for stdin */
    const char *text, *image; /* embed's --text and --image */
    const char *texts, *images; /* embed's --texts and --images: files of them, one a line, "-" for stdin */
    const char *lang;         /* --lang; NULL: by the words */
    const char *date;         /* --date; NULL: today */
    int days;                 /* --days */
    const char *vocabulary;   /* --vocabulary: a file; NULL: the built-in one */
    double least_similarity;  /* --min-similarity; 0: the usual */
    const char *isa;          /* --isa; NULL: the best */
    int precision;            /* PS_PRECISION_* */
    int json, print0, open;   /* forms of output */
    int quiet, verbose;       /* less and more on stderr */
    int literal;              /* --literal */
    int order;                /* --sort, PS_ORDER_* */
    const char *after;        /* --after: where the page before ended */
    const char *like[PS_LIKE_MOST]; /* [like_count] --like: example images */
    int like_count;
    int unique;               /* --unique */
    int all;                  /* --all: guesses too */
    int southern;             /* --southern */
    const char *now;          /* --now */
    const char *saved;        /* --saved: name of a search */
    int follow;               /* --follow */
    int once;                 /* --once */
    int only_when_charging;   /* --only-when-charging */
    double max_cpu;           /* --max-cpu, percent of one processor; 0: no limit */
    int has_min_battery, min_battery;   /* --min-battery, percent */
    int has_max_temperature;            /* 1: the next is meaningful */
    double max_temperature;             /* --max-temperature, degrees C */
    int has_log_level, log_level;       /* --log-level, PS_LOG_* */
    int color;                /* COLOR_* */
    int limit;                /* --limit; 0: the command's own */
    int threads;              /* --threads; 0: one a processor */
    double least_score;       /* --min-score */
    int has_least_score;      /* 1: it was given, and decides what matches in place of the verdicts */
    unsigned index_flags;     /* PS_INDEX_*, PS_WATCH_* */
    unsigned read_flags;      /* PS_READ_TEXT_* */
    const char *languages;    /* --languages; NULL: the usual ones */
    int later, keep_old, force; /* of model use and model remove */
    const char *name, *to, *licence;              /* of a model that is imported; NULL: not given */
    const char *config, *preprocess, *tokenizer;  /* files for it; NULL: those beside the weights */
    int replace, report;                          /* --replace, --report */
    const char *photos;                           /* --photos: a folder or file for the report; NULL: the library's */
    char **words;             /* [word_count] what is left: paths, queries */
    int word_count;
    char **all_words; /* what words points into; owned by main */
} options;

typedef struct command {
    const char *name;
    const char *usage;      /* what follows the name, on one line */
    const char *summary;    /* one line for the list of commands */
    const char *details;    /* more for `help`, lines ending in newlines; "" none */
    unsigned options;       /* TAKES_* that it knows besides the common ones */
    int least, most;        /* how many words it takes; most -1: any number */
    int (*run)(options *o); /* returns the exit status */
} command;

/* Groups of options, for command.options. */
enum {
    TAKES_LIMIT = 1 << 0,
    TAKES_QUERY = 1 << 1,
    TAKES_PRINT0 = 1 << 2,
    TAKES_OPEN = 1 << 3,
    TAKES_THREADS = 1 << 4,
    TAKES_INDEX = 1 << 5,
    TAKES_EMBED = 1 << 6,
    TAKES_KERNELS = 1 << 7,
    TAKES_IMAGE = 1 << 8,
    TAKES_LANG = 1 << 9,
    TAKES_FOLLOW = 1 << 10,
    TAKES_WATCH = 1 << 11,
    TAKES_IMPORT = 1 << 12,
    TAKES_DAY = 1 << 14,
    TAKES_DUPLICATES = 1 << 15,
    TAKES_VOCABULARY = 1 << 16,
    TAKES_SAVED = 1 << 17,
    TAKES_CHANGE = 1 << 18,
    TAKES_READ = 1 << 20
};

extern const command *const commands[]; /* NULL at the end */

/* ---- model_pull.c ---- */

/* Becomes photosearch-pull when the command line begins with `model pull`. Returns -1 when it does not, else an exit status. */
int run_model_pull(int argc, char **argv);

/* ---- options.c ---- */

/* Parses argv; *which is the command ("search" where none is named). Returns -1 to go on, else an exit status to end with. */
int parse_options(options *o, const command **which, int argc, char **argv);
const command *find_command(const char *name);

/* ---- help.c ---- */

void print_help(FILE *to, const command *about); /* NULL: the whole program */

/* ---- print.c ---- */

/* One sentence on stderr, after the program's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same and the exit status for a status of the library: EXIT_FAILED. library may be NULL, see ps_last_error. */
int complain_status(const ps_library *library);
/* The help that complain_usage names from now on is that of this command. */
void name_help_of(const char *name);
/* A sentence and how to get help; returns EXIT_USAGE. */
int complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

int is_terminal(FILE *stream);
int use_color(const options *o, FILE *stream);

enum { STYLE_DIM, STYLE_GOOD, STYLE_WEAK, STYLE_BOLD };
/* Switches a style on, and off again with style_off; both print nothing when `color` is 0. */
void style_on(FILE *to, int color, int style);
void style_off(FILE *to, int color);

const char *plural(unsigned long long count); /* "" for one, else "s" */

/* A path for a person: control characters, which could command the terminal, and bytes that are not UTF-8 are shown as \xNN. */
void print_path(FILE *to, const char *path);

void *allocate(size_t count, size_t size); /* zeroed; ends the program when memory is gone */

/* ---- progress.c ---- */

void format_duration(char *out, size_t size, double seconds); /* "1:05", "2:03:10" */
/* What is going on, in one line of the terminal on stderr, over the one before: a bar, the label and figures. */
void draw_progress(const char *label, const ps_progress *p);
/* The same of something that is done to a fraction of 0..1. */
void draw_fraction(const char *label, double done);
void clear_progress(void);
size_t terminal_width(FILE *stream); /* in columns, now: windows change; 80 where it is not known */

/* ---- json.c ---- */

/* A JSON string with its quotes; NULL is null. Bytes that are not UTF-8 become U+FFFD. */
void json_text(const char *text);
/* "path": "...", and "path_base64" with the exact bytes when they are not UTF-8. */
void json_path(const char *path);
/* An array of strings. */
void json_strings(const char *const *list, size_t count);
/* "key": number, with so many decimals; null when it is not finite. Neither comma nor braces. */
void json_number(const char *key, double value, int decimals);
int is_utf8(const char *text);

/* ---- session.c: opening what most commands need, by the options ---- */

enum { LIBRARY_MAKE = 1 /* there need not be one yet */ };
/* What --model means: an imported model of that name, else a path, else "default", the usual one: its path, malloc'd. *path is NULL for
** NULL. 0 after complaining that there is none. */
int find_model(char **path, const char *model);
/* The library, for a look; NULL without a word where there is none, or it cannot be opened. */
ps_library *peek_library(const options *o);
/* NULL after complaining. */
ps_library *open_library(const options *o, int flags);
ps_model *open_model(const options *o);
/* SIGINT and SIGTERM stop `library`'s indexing (NULL: back to how it was); a second one ends the program at once. */
void stop_on_signals(ps_library *library);
/* The same for work without a library that asks was_stopped now and then. */
void note_signals(void);
int was_stopped(void);
/* A ps_progress_fn that draws and lets signals stop the run; payload: int, 1 when there is a terminal to draw on. */
int draw_run(const ps_progress *progress, void *payload);
/* The end of a long run: complains where it did not reach it, closes the library, and returns the exit status. */
int end_run(ps_library *library, int status, int some_failed);
/* 1 if the library's last note, which is on stderr already, was this sentence. */
int was_noted(const char *line);

/* ---- show.c: results of search and similar ---- */

void show_json(const char *query, const char *image, const ps_results *results);
void show_plain(const options *o, const ps_results *results);
/* 1 if a program that acts on the i-th photo is to get it: it matches by its own verdict, or --min-score let it through. */
int is_match(const options *o, const ps_results *results, size_t i);
/* Opens the matches in the viewer; returns an exit status. */
int show_in_viewer(const options *o, const ps_results *results);

#endif
