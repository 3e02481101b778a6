/*
** photosearch bench
*/
#define PS_EXPERIMENTAL
#include "cli/commands.h"

static void print_json(const ps_model_info *about, const ps_bench *b) {
    fputs("{\"model\":", stdout);
    json_text(about->id);
    fputs(",\"isa\":", stdout);
    json_text(about->isa);
    printf(",\"threads\":%d,", b->threads);
    json_number("image_ms", b->image_ms, 3);
    putchar(',');
    json_number("text_ms", b->text_ms, 3);
    putchar(',');
    json_number("decode_ms", b->decode_ms, 3);
    putchar(',');
    json_number("images_per_second", b->images_per_second, 1);
    puts("}");
}

static int run(options *o) {
    ps_model_info about = PS_MODEL_INFO_INIT;
    ps_bench b = PS_BENCH_INIT;
    ps_model *model = open_model(o);
    if (!model) return EXIT_FAILED;
    ps_model_about(&about, model);
    int status = ps_model_bench(&b, model, o->threads, o->image, o->lang);
    int code = status == PS_OK ? EXIT_FOUND : complain_status(NULL);
    if (status == PS_OK && o->json) {
        print_json(&about, &b);
    } else if (status == PS_OK) {
        printf("model   %s, %s\n", about.id, about.isa);
        printf("image   %8.2f ms   %.1f a second on %d threads\n", b.image_ms, b.images_per_second, b.threads);
        printf("text    %8.2f ms\n", b.text_ms);
        printf("decode  %8.2f ms\n", b.decode_ms);
    }
    ps_model_free(model);
    return code;
}

const command command_bench = {
    "bench",
    "",
    "Measure the model on this machine",
    "Medians of single runs on one thread: pixels to vector, a sentence to vector, a 12-megapixel JPEG to pixels.\n",
    TAKES_THREADS | TAKES_KERNELS | TAKES_IMAGE | TAKES_LANG,
    0,
    0,
    run,
};
