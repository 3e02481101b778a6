/*
** Search in a few lines: search LIBRARY WORDS. Against an installed photosearch: cc search.c $(pkg-config --cflags --libs
** photosearch)
*/
#include <stdio.h>

#include <photosearch.h>

int main(int argc, char **argv) {
    ps_library *library;
    ps_results *results;
    if (argc != 3) return fputs("usage: search LIBRARY WORDS\n", stderr), 2;
    if (ps_library_open(&library, argv[1], NULL) != PS_OK) return fprintf(stderr, "%s\n", ps_last_error(NULL)), 3;
    int status = ps_search(&results, library, argv[2], NULL);
    if (status != PS_OK) fprintf(stderr, "%s\n", ps_last_error(library));
    for (size_t i = 0; status == PS_OK && i < ps_results_count(results); i++)
        printf("%.3f %s\n", ps_results_score(results, i), ps_results_path(results, i));
    if (status == PS_OK) ps_results_free(results);
    ps_library_close(library);
    return status == PS_OK ? 0 : 3;
}
