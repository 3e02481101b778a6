/*
** photosearch, the command line program: parses, runs one command, and makes sure that what was printed arrived.
*/
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

const command *const commands[] = {&command_index,
                                   &command_watch,
                                   &command_search,
                                   &command_similar,
                                   &command_on_this_day,
                                   &command_duplicates,
                                   &command_tags,
                                   &command_saved,
                                   &command_read_text,
                                   &command_status,
                                   &command_failures,
                                   &command_forget,
                                   &command_embed,
                                   &command_eval,
                                   &command_bench,
                                   &command_model,
                                   &command_help,
                                   &command_version,
                                   NULL};

int main(int argc, char **argv) {
    options o;
    const command *which = NULL;
    int status = run_model_pull(argc, argv); /* has options of its own */
    if (status >= 0) return status;
    status = parse_options(&o, &which, argc, argv);
    if (status < 0) status = which->run(&o);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status != EXIT_USAGE) {
        complain("the output could not be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
        status = EXIT_FAILED;
    }
    free(o.all_words);
    return status;
}
