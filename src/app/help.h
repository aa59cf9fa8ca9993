/* app/help.h - help made from the rows of commands, options and configuration keys. */
#ifndef RAGGED_APP_HELP_H
#define RAGGED_APP_HELP_H

#include "app/command.h"

void help_overview(struct output *out);
void help_command(struct output *out, const struct command *command);
void help_config_keys(struct output *out);
/* Everything above for machines; NULL: out of memory. */
json_t *help_json(void) MUST_USE;

#endif
