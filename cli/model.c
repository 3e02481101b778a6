/*
** photosearch model info|verify|import
*/
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
        {"isa", m->isa},         {"languages", m->languages},
    };
    putchar('{');
    print_texts(texts, sizeof texts / sizeof *texts);
    printf("\"dim\":%d,\"image_size\":%d,\"max_tokens\":%d,\"bytes\":%llu,", m->dim, m->image_size, m->max_tokens,
           (unsigned long long)m->bytes);
    json_path(m->path);
    fputs(",\"companions\":[", stdout);
    for (size_t i = 0; i < ps_model_companion_count(model); i++) {
        ps_companion c;
        if (!get_companion(&c, model, i)) return EXIT_FAILED;
        if (i) putchar(',');
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

static int print_plain(const ps_model_info *m, ps_model *model) {
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
    return print_companions(model);
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
        size_t companions = ps_model_companion_count(model);
        printf("%s", about->id);
        if (companions) printf(" with %zu companion%s", companions, plural(companions));
        printf(" is sound; INT8 and float32 agree to a cosine of %.4f\n", cosine);
    }
    return EXIT_FOUND;
}

static int run(options *o) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    int checking = strcmp(o->words[0], "verify") == 0;
    if (strcmp(o->words[0], "import") == 0) return import_model(o);
    if (!checking && strcmp(o->words[0], "info") != 0)
        return complain_usage("model knows import, info, pull and verify, not \"%.60s\"", o->words[0]);
    if (o->word_count > 1) o->model = o->words[1];
    ps_model *model = open_model(o);
    if (!model) return EXIT_FAILED;
    ps_model_about(&about, model);
    int status = checking ? verify(o, model, &about) : o->json ? print_json(&about, model) : print_plain(&about, model);
    ps_model_free(model);
    return status;
}

const command command_model = {
    "model",
    "info|verify [MODEL] | import FOLDER --name NAME | pull NAME",
    "Tell about a model package, or check it; get and import others",
    "Its companions, text-only packages beside it for more languages, are told and checked too: X-*.safetensors beside\n"
    "X.safetensors.\n"
    "pull fetches a published model and imports it. It uses the network, and has options of its own: model pull --help.\n",
    TAKES_KERNELS | TAKES_IMPORT,
    1,
    2,
    run,
};
