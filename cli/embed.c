/*
** photosearch embed --text TEXT | --image FILE | --texts LIST | --images LIST
*/
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

static void print_embedding(const options *o, const ps_model_info *about, const float *embedding) {
    if (o->json) {
        fputs("{\"model\":", stdout);
        json_text(about->id);
        printf(",\"dim\":%d,\"embedding\":[", about->dim);
    }
    /* Nine digits give every float32 back exactly. */
    for (int i = 0; i < about->dim; i++) printf("%s%.9g", i == 0 ? "" : o->json ? "," : " ", (double)embedding[i]);
    puts(o->json ? "]}" : "");
}

typedef struct embed { /* one run */
    const options *o;
    ps_model *model;
    ps_model_info about;
    float *embedding; /* float [dim] */
} embed;

static int embed_one(embed *e, const char *text, const char *image) {
    return text ? ps_model_embed_text_in(e->embedding, e->model, e->o->lang, text, strlen(text))
                : ps_model_embed_image(e->embedding, e->model, image);
}

/* What cannot be embedded still gets a line, so that the lines stay in step: null, or an empty one. */
static int embed_line(embed *e, const char *line, size_t number) {
    int status = e->o->texts ? embed_one(e, line, NULL) : embed_one(e, NULL, line);
    if (status == PS_OK) {
        print_embedding(e->o, &e->about, e->embedding);
    } else {
        fprintf(stderr, "photosearch: line %zu: ", number);
        print_path(stderr, ps_last_error(NULL));
        fputc('\n', stderr);
        puts(e->o->json ? "null" : "");
    }
    fflush(stdout); /* whoever feeds the lines may wait for the answer */
    return status;
}

static int embed_lines(embed *e, FILE *from) {
    char *line = NULL;
    size_t size = 0, number = 0;
    int failed = 0;
    for (ssize_t length; (length = getline(&line, &size, from)) >= 0;) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
        failed |= embed_line(e, line, ++number) != PS_OK;
    }
    free(line);
    return failed ? EXIT_SOME_FAILED : EXIT_FOUND;
}

static int embed_list(embed *e, const char *list) {
    FILE *from = strcmp(list, "-") == 0 ? stdin : fopen(list, "re");
    if (!from) {
        complain("%s: %s", list, strerror(errno));
        return EXIT_FAILED;
    }
    int code = embed_lines(e, from);
    if (ferror(from)) {
        complain("%s could not be read", list);
        code = EXIT_FAILED;
    }
    if (from != stdin) fclose(from);
    return code;
}

static int run(options *o) {
    embed e = {.o = o, .about = PS_MODEL_INFO_INIT};
    int code = EXIT_FOUND;
    if (!o->text + !o->image + !o->texts + !o->images != 3)
        return complain_usage("embed takes one of --text, --image, --texts and --images");
    if (!(e.model = open_model(o))) return EXIT_FAILED;
    ps_model_about(&e.about, e.model);
    e.embedding = allocate((size_t)e.about.dim, sizeof *e.embedding);
    if (o->texts || o->images)
        code = embed_list(&e, o->texts ? o->texts : o->images);
    else if (embed_one(&e, o->text, o->image) == PS_OK)
        print_embedding(o, &e.about, e.embedding);
    else
        code = complain_status(NULL);
    free(e.embedding);
    ps_model_free(e.model);
    return code;
}

const command command_embed = {
    "embed",
    "--text TEXT | --image FILE | --texts LIST | --images LIST",
    "Print the vector of a text or an image",
    "--texts and --images read a file of texts or of paths, one a line (- is standard input), and print a line for each; one that\n"
    "fails gives null or an empty line.\n",
    TAKES_EMBED | TAKES_KERNELS | TAKES_LANG,
    0,
    0,
    run,
};
