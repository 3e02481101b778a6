/*
** photosearch similar IMAGE
*/
#include "cli/commands.h"

static int run(options *o) {
    ps_search_options settings = PS_SEARCH_OPTIONS_INIT;
    ps_results *results;
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    if (o->limit) settings.limit = (size_t)o->limit;
    settings.least_score = o->least_score;
    int status = EXIT_FAILED;
    if (ps_similar(&results, library, o->words[0], &settings) != PS_OK) {
        complain_status(library);
    } else {
        status = ps_results_count(results) ? EXIT_FOUND : EXIT_NOTHING;
        if (o->json)
            show_json(NULL, o->words[0], results);
        else
            show_plain(o, results);
        if (o->open && status == EXIT_FOUND) status = show_in_viewer(o, results);
        ps_results_free(results);
    }
    ps_library_close(library);
    return status;
}

const command command_similar = {
    "similar",
    "IMAGE",
    "Find photos that look like an image",
    "The image need not be in the library; if it is, it is left out of the answer.\n",
    TAKES_LIMIT | TAKES_PRINT0 | TAKES_OPEN,
    1,
    1,
    run,
};
