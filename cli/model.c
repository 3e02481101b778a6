/*
** photosearch model info|verify
*/
#include <string.h>

#include "cli/commands.h"

static void print_json(const ps_model_info *m) {
    const struct {
        const char *key, *value;
    } texts[] = {
        {"id", m->id},           {"name", m->name},     {"version", m->model_version}, {"space", m->space},
        {"licence", m->licence}, {"source", m->source}, {"image", m->image_family},    {"text", m->text_family},
        {"isa", m->isa},
    };
    putchar('{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        printf("\"%s\":", texts[i].key);
        json_string(texts[i].value);
        putchar(',');
    }
    printf("\"dim\":%d,\"image_size\":%d,\"max_tokens\":%d,\"bytes\":%llu,", m->dim, m->image_size, m->max_tokens,
           (unsigned long long)m->bytes);
    json_path(m->path);
    puts("}");
}

static void print_line(const char *key, const char *value) {
    printf("%-11s", key);
    print_path(stdout, value ? value : "-");
    putchar('\n');
}

static void print_plain(const ps_model_info *m) {
    print_line("id", m->id);
    print_line("space", m->space);
    printf("%-11s%s, %d x %d\n", "image", m->image_family ? m->image_family : "-", m->image_size, m->image_size);
    printf("%-11s%s, up to %d tokens\n", "text", m->text_family ? m->text_family : "-", m->max_tokens);
    printf("%-11s%d numbers\n", "vectors", m->dim);
    printf("%-11s%.1f MB\n", "size", (double)m->bytes / 1e6);
    print_line("kernels", m->isa);
    print_line("licence", m->licence);
    print_line("source", m->source);
    print_line("file", m->path);
}

static int verify(const options *o, ps_model *model, const ps_model_info *about) {
    double cosine;
    if (ps_model_verify(&cosine, model) != PS_OK) return complain_status(NULL);
    if (o->json) {
        fputs("{\"model\":", stdout);
        json_string(about->id);
        fputs(",\"ok\":true,", stdout);
        json_number("agreement", cosine, 6);
        puts("}");
    } else {
        printf("%s is sound; INT8 and float32 agree to a cosine of %.4f\n", about->id, cosine);
    }
    return EXIT_FOUND;
}

static int run(options *o) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    int checking = strcmp(o->words[0], "verify") == 0;
    if (!checking && strcmp(o->words[0], "info") != 0)
        return complain_usage("model knows info and verify, not \"%.60s\"", o->words[0]);
    if (o->word_count > 1) o->model = o->words[1];
    ps_model *model = open_model(o);
    if (!model) return EXIT_FAILED;
    ps_model_about(&about, model);
    int status = EXIT_FOUND;
    if (checking)
        status = verify(o, model, &about);
    else if (o->json)
        print_json(&about);
    else
        print_plain(&about);
    ps_model_free(model);
    return status;
}

const command command_model = {
    "model", "info|verify [MODEL]", "Tell about a model package, or check it", "", TAKES_KERNELS, 1, 2, run,
};
