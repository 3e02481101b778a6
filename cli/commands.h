/*
** The commands, one file each.
*/
#ifndef PS_CLI_COMMANDS_H
#define PS_CLI_COMMANDS_H

#include "cli/cli.h"

extern const command command_index, command_watch, command_search, command_similar, command_status, command_failures,
    command_forget, command_on_this_day, command_duplicates, command_tags, command_saved, command_read_text, command_embed, command_eval,
    command_bench, command_model, command_help, command_version;

#endif
