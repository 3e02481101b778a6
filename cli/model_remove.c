/*
** photosearch model remove NAME
*/
#include "cli/model.h"

int remove_model(options *o) {
    ps_library_options settings = PS_LIBRARY_OPTIONS_INIT;
    ps_library *library;
    if (o->word_count != 2) return complain_usage("model remove takes the name of an imported model");
    settings.flags = PS_OPEN_EXISTING;
    int status = ps_library_open(&library, o->library, &settings);
    if (status != PS_OK && (status != PS_NOTFOUND || o->library)) return complain_status(NULL);
    status = ps_package_remove(o->words[1], library, o->force);
    int code = EXIT_FOUND;
    if (status != PS_OK) code = complain_status(NULL);
    if (status == PS_BUSY) complain("let the library use another model first, or give --force");
    if (status == PS_NOTFOUND) code = EXIT_NOTHING;
    if (status == PS_OK && o->json) puts("{\"removed\":1}");
    if (status == PS_OK && !o->json && !o->quiet) {
        print_path(stdout, o->words[1]);
        puts(" was removed");
    }
    ps_library_close(library);
    return code;
}
