/*
** Help, for the whole program and for each command, from the commands' own descriptions.
*/
#include <string.h>

#include "cli/cli.h"

static const struct {
    unsigned group;
    const char *lines;
} option_help[] = {
    {TAKES_LIMIT, "  -k, --limit N        at most N photos (20)\n"
                  "      --min-score X    leave out what scores below X, from 0 to 1\n"},
    {TAKES_QUERY, "      --literal        take every word as content: no times, no places, no conditions\n"
                  "      --sort ORDER     relevance, date (newest first), oldest (by the words)\n"
                  "      --like IMAGE     like this image too; up to 16 times, also without a query\n"
                  "      --unique         of photos that are nearly the same, only the best\n"
                  "      --all            show guesses too, where there are matches\n"
                  "      --after PLACE    go on behind the place that the answer before ended at (\"next\" of --json)\n"
                  "      --saved NAME     the saved search of this name\n"
                  "      --southern       summer is in January, where no place tells\n"
                  "      --now DATE       answer as on this day\n"
                  "      --queries FILE   answer each line of FILE (- for stdin)\n"},
    {TAKES_DAY, "      --date MM-DD     this day, or YYYY-MM-DD to look back from another year (today)\n"
                "      --days N         also N days before and after, up to 30 (0)\n"
                "  -k, --limit N        at most N photos of each year (20)\n"},
    {TAKES_DUPLICATES, "      --min-similarity X\n"
                       "                       how alike an edited copy must look, up to 1 (0.97)\n"},
    {TAKES_SAVED, "      --literal        take every word as content\n"},
    {TAKES_VOCABULARY,
     "      --vocabulary FILE\n"
     "                       labels, one a line, each with sentences: label | sentence | ... (the built-in one)\n"},
    {TAKES_LANG, "      --lang CODE      language of the words, such as de or pt-BR (by the words)\n"},
    {TAKES_PRINT0, "  -0, --print0         only paths, of what matches, each with a 0 byte after it\n"},
    {TAKES_OPEN, "      --open           open what matches in $PHOTOSEARCH_VIEWER, else with xdg-open\n"},
    {TAKES_THREADS, "  -j, --threads N      threads that encode (one for each processor)\n"},
    {TAKES_INDEX, "      --hidden         also files and folders whose names begin with a dot\n"
                  "      --follow-links   also folders behind symbolic links\n"
                  "      --allow-removal  drop entries of files that are gone also on doubt: too many at once, a folder that\n"
                  "                       is empty or on another device\n"
                  "      --retry          try files again that were given up\n"
                  "      --no-previews    do not look at the previews in new photos first\n"
                  "      --background     take only what nobody else wants of processor and disk\n"
                  "      --in-process     decode without sandboxed processes\n"},
    {TAKES_WATCH, "      --once           end when everything is done\n"
                  "      --read-text      then read the text in photos, while the device is idle and not on battery\n"
                  "      --max-cpu P      use at most P percent of one processor\n"
                  "      --only-when-charging\n"
                  "                       pause on battery\n"
                  "      --min-battery P  pause below P percent, unless charging (20; 0: never)\n"
                  "      --max-temperature C\n"
                  "                       pause while battery or skin are hotter than C degrees Celsius (42; 0: never)\n"},
    {TAKES_READ, "  -k, --limit N        read at most N photos\n"
                 "      --all            also photos that were read before\n"
                 "      --languages L    of the text: such as eng+deu (eng, and chi_sim where it is installed)\n"
                 "      --background     take only what nobody else wants of processor and disk\n"},
    {TAKES_FOLLOW, "  -f, --follow         go on telling what is being done, until Ctrl-C\n"},
    {TAKES_EMBED, "      --text TEXT      a text\n"
                  "      --image FILE     an image\n"
                  "      --texts LIST     each line of a file; - is standard input\n"
                  "      --images LIST    each image of a file of paths\n"},
    {TAKES_IMAGE, "      --image FILE     the image for decode_ms (a made-up 12-megapixel JPEG)\n"},
    {TAKES_KERNELS, "      --precision P    int8, or float for the slow path to check against\n"
                    "      --isa NAME       kernels: reference, avx2, avx512vnni (the best there is)\n"},
    {TAKES_CHANGE, "      --later          use: only note it; `index` and `watch` encode the photos\n"
                   "      --keep-old       use: keep the embeddings of the old model, which answer no more\n"
                   "      --force          remove, import --replace: also a model that the library needs\n"},
    {TAKES_IMPORT, "      --name NAME      import: what the model is called\n"
                   "      --config FILE, --preprocess FILE, --tokenizer FILE\n"
                   "                       import: where these do not lie beside the weights\n"
                   "      --licence TEXT   import: what the files do not say\n"
                   "      --photos FOLDER  import: photos that INT8 is fitted to\n"
                   "      --report         import: what INT8 costs, layer by layer\n"
                   "      --to FILE        import: where the package is to lie\n"
                   "      --replace        import: take the place of another\n"},
};

static void print_common(FILE *to) {
    fputs("\nOptions of every command, before or after it:\n"
          "      --library DIR    the library ($PHOTOSEARCH_LIBRARY, else $XDG_DATA_HOME/photosearch)\n"
          "      --model M        the model: its name, or a .safetensors file\n"
          "      --json           one JSON object a line\n"
          "  -q, --quiet          no notes and no progress on stderr\n"
          "  -v, --verbose        more notes\n"
          "      --log-level L    notes on stderr: error, warning, info or debug\n"
          "      --color WHEN     auto, always, never\n"
          "  -h, --help           this\n"
          "  -V, --version        the version\n",
          to);
}

static void print_status(FILE *to) {
    fputs("\nExit status: 0 found or done, 1 nothing matched, 2 usage, 3 error, 4 some files failed.\n", to);
}

static void print_command(FILE *to, const command *c) {
    int heading = 0;
    fprintf(to, "photosearch %s %s\n\n%s.\n%s", c->name, c->usage, c->summary, c->details);
    for (size_t i = 0; i < sizeof option_help / sizeof *option_help; i++) {
        if (!(c->options & option_help[i].group)) continue;
        if (!heading++) fputs("\nOptions:\n", to);
        fputs(option_help[i].lines, to);
    }
}

void print_help(FILE *to, const command *about) {
    if (about) {
        print_command(to, about);
    } else {
        fputs("photosearch finds photos by what you say about them, on this device.\n\n"
              "  photosearch index ~/Pictures\n"
              "  photosearch \"two dogs in the snow\"        short for: photosearch search ...\n\n"
              "Commands:\n",
              to);
        for (size_t i = 0; commands[i]; i++)
            fprintf(to, "  %-11s %-22s %s\n", commands[i]->name, commands[i]->usage, commands[i]->summary);
        fputs("\n`photosearch COMMAND --help` tells more.\n", to);
    }
    print_common(to);
    print_status(to);
}
