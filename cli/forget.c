/*
** photosearch forget PATH
*/
#include "cli/commands.h"

static int run(options *o) {
    uint64_t removed = 0, sum = 0;
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int code = EXIT_FOUND;
    for (int i = 0; i < o->word_count; i++) {
        int status = ps_forget(&removed, library, o->words[i]);
        sum += removed;
        if (status == PS_OK) continue;
        complain_status(library);
        if (status != PS_NOTFOUND)
            code = EXIT_FAILED;
        else if (code == EXIT_FOUND)
            code = EXIT_NOTHING;
    }
    if (o->json)
        printf("{\"removed\":%llu}\n", (unsigned long long)sum);
    else if (!o->quiet)
        printf("%llu %s removed\n", (unsigned long long)sum, sum == 1 ? "entry" : "entries");
    ps_library_close(library);
    return code;
}

const command command_forget = {
    "forget",
    "PATH...",
    "Drop what the library knows of files or folders",
    "The photos themselves are not touched. Indexing their folder again brings them back.\n",
    0,
    1,
    -1,
    run,
};
