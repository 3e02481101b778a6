/*
** photosearch model: its verbs, of which info and verify are here
*/
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/model.h"

typedef struct text {
    const char *key, *value;
} text;

/* "key":"value", for each, a comma after the last too. */
static void print_texts(const text *texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        printf("\"%s\":", texts[i].key);
        json_text(texts[i].value);
        putchar(',');
    }
}

static void print_companion_json(const ps_companion *c) {
    const text texts[] = {
        {"id", c->id}, {"name", c->name}, {"space", c->space}, {"languages", c->languages}, {"refused", c->refused}};
    putchar('{');
    print_texts(texts, sizeof texts / sizeof *texts);
    printf("\"bytes\":%llu,", (unsigned long long)c->bytes);
    json_path(c->path);
    putchar('}');
}

/* 1 if the file is a model of its own, whose name only begins like this one's. */
static int is_other_model(const ps_companion *c) { return !c->refused && !c->id; }

/* The i-th companion; 0 after complaining. */
static int get_companion(ps_companion *out, ps_model *model, size_t i) {
    *out = (ps_companion)PS_COMPANION_INIT;
    if (ps_model_companion(out, model, i) == PS_OK) return 1;
    complain_status(NULL);
    return 0;
}

static int print_json(const ps_model_info *m, ps_model *model) {
    const text texts[] = {
        {"id", m->id},           {"name", m->name},           {"version", m->model_version}, {"space", m->space},
        {"licence", m->licence}, {"source", m->source},       {"image", m->image_family},    {"text", m->text_family},
        {"isa", m->isa},         {"languages", m->languages}, {"licence_text", m->licence_text},
    };
    size_t printed = 0;
    putchar('{');
    print_texts(texts, sizeof texts / sizeof *texts);
    printf("\"dim\":%d,\"image_size\":%d,\"max_tokens\":%d,\"bytes\":%llu,", m->dim, m->image_size, m->max_tokens,
           (unsigned long long)m->bytes);
    json_path(m->path);
    fputs(",\"companions\":[", stdout);
    for (size_t i = 0; i < ps_model_companion_count(model); i++) {
        ps_companion c;
        if (!get_companion(&c, model, i)) return EXIT_FAILED;
        if (is_other_model(&c)) continue;
        if (printed++) putchar(',');
        print_companion_json(&c);
    }
    puts("]}");
    return EXIT_FOUND;
}

static void print_line(const char *key, const char *value) {
    printf("%-11s", key);
    print_path(stdout, value ? value : "-");
    putchar('\n');
}

static int print_companions(ps_model *model) {
    for (size_t i = 0; i < ps_model_companion_count(model); i++) {
        ps_companion c;
        if (!get_companion(&c, model, i)) return EXIT_FAILED;
        if (is_other_model(&c)) continue;
        putchar('\n');
        print_line("companion", c.refused ? "not used" : c.id);
        if (c.refused) {
            print_line("reason", c.refused);
        } else {
            print_line("space", c.space);
            print_line("languages", c.languages);
            printf("%-11s%.1f MB\n", "size", (double)c.bytes / 1e6);
        }
        print_line("file", c.path);
    }
    return EXIT_FOUND;
}

/* The text of the licence, indented, in lines as it has them. */
static void print_licence_text(const char *whole) {
    puts("\nlicence text");
    for (const char *line = whole; *line;) {
        size_t length = strcspn(line, "\n");
        char *copy = strndup(line, length);
        fputs("    ", stdout);
        if (copy) print_path(stdout, copy);
        putchar('\n');
        free(copy);
        line += length + (line[length] == '\n');
    }
}

static int print_plain(const options *o, const ps_model_info *m, ps_model *model) {
    print_line("id", m->id);
    print_line("space", m->space);
    printf("%-11s%s, %d x %d\n", "image", m->image_family ? m->image_family : "-", m->image_size, m->image_size);
    printf("%-11s%s, up to %d tokens\n", "text", m->text_family ? m->text_family : "-", m->max_tokens);
    print_line("languages", m->languages);
    printf("%-11s%d numbers\n", "vectors", m->dim);
    printf("%-11s%.1f MB\n", "size", (double)m->bytes / 1e6);
    print_line("kernels", m->isa);
    print_line("licence", m->licence);
    print_line("source", m->source);
    print_line("file", m->path);
    if (m->licence_text && !o->verbose && !o->quiet) printf("%-11s%s\n", "", "the licence's whole text: model info --verbose");
    int status = print_companions(model);
    if (m->licence_text && o->verbose) print_licence_text(m->licence_text);
    return status;
}

static size_t used_companions(ps_model *model) {
    size_t count = 0;
    for (size_t i = 0; i < ps_model_companion_count(model); i++) {
        ps_companion c = PS_COMPANION_INIT;
        count += ps_model_companion(&c, model, i) == PS_OK && c.id;
    }
    return count;
}

static int verify(const options *o, ps_model *model, const ps_model_info *about) {
    double cosine;
    if (ps_model_verify(&cosine, model) != PS_OK) return complain_status(NULL);
    if (o->json) {
        fputs("{\"model\":", stdout);
        json_text(about->id);
        fputs(",\"ok\":true,", stdout);
        json_number("agreement", cosine, 6);
        puts("}");
    } else {
        size_t companions = used_companions(model);
        printf("%s", about->id);
        if (companions) printf(" with %zu companion%s", companions, plural(companions));
        printf(" is sound; INT8 and float32 agree to a cosine of %.4f\n", cosine);
    }
    return EXIT_FOUND;
}

static int look_at(options *o, int checking) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    if (o->word_count > 1) o->model = o->words[1];
    ps_model *model = open_model(o);
    if (!model) return EXIT_FAILED;
    ps_model_about(&about, model);
    int status = checking ? verify(o, model, &about) : o->json ? print_json(&about, model) : print_plain(o, &about, model);
    ps_model_free(model);
    return status;
}

static int info_model(options *o) { return look_at(o, 0); }
static int verify_model(options *o) { return look_at(o, 1); }

static const struct {
    const char *name;
    int (*run)(options *o);
} verbs[] = {{"info", info_model},     {"verify", verify_model}, {"import", import_model},
             {"list", list_models},    {"use", use_model},       {"remove", remove_model}};

static int run(options *o) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, o->words[0]) == 0) return verbs[i].run(o);
    return complain_usage("model knows list, use, import, pull, info, verify and remove, not \"%.60s\"", o->words[0]);
}

const command command_model = {
    "model",
    "list | use NAME | import FOLDER --name NAME | pull NAME | info|verify [MODEL] | remove NAME",
    "Choose, get, import, show and check models",
    "`list` tells which models are on this device, and what the library has of them; * marks the library's own.\n"
    "`use` changes the library's model: photos are encoded by the new one, while the old one goes on answering. Ctrl-C keeps\n"
    "what is done; `index`, `watch` and the same command go on. --later only notes it. --keep-old keeps the old embeddings.\n"
    "`import` makes a package of published weights: a folder, or the file with them. --config, --preprocess and --tokenizer name\n"
    "files that do not lie beside the weights, --licence what the files do not say. INT8 is fitted to some photos of --photos FOLDER,\n"
    "else of the library; --report tells what it costs, layer by layer. --precision float makes a package for verifying.\n"
    "--to FILE puts it elsewhere, --replace takes the place of another.\n"
    "`info --verbose` prints the licence's text too.\n"
    "`remove` deletes an imported model and its companions, unless the library needs it (--force: also then).\n"
    "Its companions, text-only packages beside it for more languages, are told and checked too: X-*.safetensors beside\n"
    "X.safetensors.\n"
    "pull fetches a published model and imports it. It uses the network, and has options of its own: model pull --help.\n",
    TAKES_KERNELS | TAKES_IMPORT | TAKES_CHANGE | TAKES_THREADS,
    1,
    2,
    run,
};
