/*
** photosearch embed --text TEXT | --image FILE
*/
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

static void print_embedding(const options *o, const ps_model_info *about, const float *embedding) {
    if (o->json) {
        fputs("{\"model\":", stdout);
        json_string(about->id);
        printf(",\"dim\":%d,\"embedding\":[", about->dim);
    }
    /* Nine digits give every float32 back exactly. */
    for (int i = 0; i < about->dim; i++) printf("%s%.9g", i == 0 ? "" : o->json ? "," : " ", (double)embedding[i]);
    puts(o->json ? "]}" : "");
}

static int run(options *o) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    if (!o->text == !o->image) return complain_usage("embed takes either --text or --image");
    ps_model *model = open_model(o);
    if (!model) return EXIT_FAILED;
    ps_model_about(&about, model);
    float *embedding = allocate((size_t)about.dim, sizeof *embedding);
    int status = o->text ? ps_model_embed_text_in(embedding, model, o->lang, o->text, strlen(o->text))
                         : ps_model_embed_image(embedding, model, o->image);
    if (status == PS_OK) print_embedding(o, &about, embedding);
    int code = status == PS_OK ? EXIT_FOUND : complain_status(NULL);
    free(embedding);
    ps_model_free(model);
    return code;
}

const command command_embed = {
    "embed",
    "--text TEXT | --image FILE",
    "Print the vector of a text or an image",
    "",
    TAKES_EMBED | TAKES_KERNELS | TAKES_LANG,
    0,
    0,
    run,
};
