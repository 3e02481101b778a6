/*
** "More like this": similar LIBRARY IMAGE, with what a gallery would show beside each photo.
*/
#include <stdio.h>

#include <photosearch.h>

static void print_hit(const ps_hit *hit) {
    printf("%.3f  %4d x %-4d  %-19s  %s", hit->score, hit->width, hit->height, hit->taken ? hit->taken : "no date", hit->path);
    if (hit->camera) printf("  (%s)", hit->camera);
    if (hit->has_position) printf("  %.4f, %.4f", hit->latitude, hit->longitude);
    putchar('\n');
}

int main(int argc, char **argv) {
    ps_library_options opening = PS_LIBRARY_OPTIONS_INIT;
    ps_search_options options = PS_SEARCH_OPTIONS_INIT;
    ps_library *library;
    ps_results *results;
    if (argc != 3) return fputs("usage: similar LIBRARY IMAGE\n", stderr), 2;
    opening.flags = PS_OPEN_EXISTING; /* do not make an empty library by a slip of the finger */
    options.limit = 8;
    if (ps_library_open(&library, argv[1], &opening) != PS_OK) return fprintf(stderr, "%s\n", ps_last_error(NULL)), 3;
    int status = ps_similar(&results, library, argv[2], &options);
    if (status != PS_OK) fprintf(stderr, "%s\n", ps_last_error(library));
    for (size_t i = 0; status == PS_OK && i < ps_results_count(results); i++) {
        ps_hit hit = PS_HIT_INIT;
        if (ps_results_hit(&hit, results, i) == PS_OK) print_hit(&hit);
    }
    if (status == PS_OK) ps_results_free(results);
    ps_library_close(library);
    return status == PS_OK ? 0 : 3;
}
