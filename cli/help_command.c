/*
** photosearch help, photosearch version
*/
#include "cli/commands.h"

static int run_help(options *o) {
    const command *about = o->word_count ? find_command(o->words[0]) : NULL;
    if (o->word_count && !about) return complain_usage("there is no command \"%.60s\"", o->words[0]);
    print_help(stdout, about);
    return EXIT_FOUND;
}

const command command_help = {"help", "[COMMAND]", "Tell about the program or a command", "", 0, 0, 1, run_help};

static int run_version(options *o) {
    if (o->json) {
        fputs("{\"version\":", stdout);
        json_text(ps_version());
        puts("}");
    } else {
        printf("photosearch %s\n", ps_version());
    }
    return EXIT_FOUND;
}

const command command_version = {"version", "", "Print the version", "", 0, 0, 0, run_version};
