/*
** photosearch failures
*/
#include <string.h>

#include "cli/commands.h"

static void print_one(const options *o, const ps_failure *f) {
    if (o->json) {
        putchar('{');
        json_path(f->path);
        fputs(",\"reason\":", stdout);
        json_text(f->reason);
        printf(",\"tries\":%d,\"quarantined\":%s}\n", f->tries, f->quarantined ? "true" : "false");
    } else if (o->print0) {
        fwrite(f->path, 1, strlen(f->path) + 1, stdout);
    } else {
        size_t length = strlen(f->path);
        /* Most reasons begin with the path. */
        if (strncmp(f->reason, f->path, length) != 0) {
            print_path(stdout, f->path);
            fputs(": ", stdout);
        }
        print_path(stdout, f->reason);
        printf(" (%d %s%s)\n", f->tries, f->tries == 1 ? "try" : "tries", f->quarantined ? ", given up until it changes" : "");
    }
}

static int run(options *o) {
    ps_failures *failures;
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    int status = EXIT_FOUND;
    if (ps_failures_open(&failures, library) != PS_OK) {
        status = complain_status(library);
    } else {
        for (size_t i = 0; i < ps_failures_count(failures); i++) {
            ps_failure f = PS_FAILURE_INIT;
            if (ps_failures_get(&f, failures, i) == PS_OK) print_one(o, &f);
        }
        ps_failures_free(failures);
    }
    ps_library_close(library);
    return status;
}

const command command_failures = {
    "failures", "", "List the files that could not be indexed, and why", "", TAKES_PRINT0, 0, 0, run,
};
