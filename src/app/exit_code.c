#include <signal.h>

#include "app/command.h"

const struct exit_code_row exit_code_rows[] = {
    {EXIT_CODE_OK, "done"},
    {EXIT_CODE_ERROR, "an error; stderr says which"},
    {EXIT_CODE_USAGE, "wrong usage: unknown option, command, format, key or value"},
    {EXIT_CODE_SOME_FAILED,
     "finished, but some files or vectors are missing; the reasons are listed"},
    {EXIT_CODE_BUSY, "another process holds the library; try again later"},
    {EXIT_CODE_PROBLEMS, "\"check\" found problems"},
    {EXIT_CODE_INTERRUPTED, "stopped by Ctrl-C (SIGINT)"},
    {EXIT_CODE_TERMINATED, "stopped by SIGTERM"},
    {EXIT_CODE_OK, NULL},
};

enum exit_code exit_code_of(enum status status, int signal)
{
    static const enum exit_code codes[STATUS_COUNT] = {
        [STATUS_OK] = EXIT_CODE_OK,           [STATUS_NOMEM] = EXIT_CODE_ERROR,
        [STATUS_IO] = EXIT_CODE_ERROR,        [STATUS_FORMAT] = EXIT_CODE_ERROR,
        [STATUS_DAMAGED] = EXIT_CODE_ERROR,   [STATUS_NOT_FOUND] = EXIT_CODE_ERROR,
        [STATUS_INVALID] = EXIT_CODE_USAGE,   [STATUS_LIMIT] = EXIT_CODE_ERROR,
        [STATUS_BUSY] = EXIT_CODE_BUSY,       [STATUS_CANCELLED] = EXIT_CODE_ERROR,
        [STATUS_REMOTE] = EXIT_CODE_ERROR,    [STATUS_MALFORMED] = EXIT_CODE_ERROR,
        [STATUS_THROTTLED] = EXIT_CODE_ERROR, [STATUS_REFUSED] = EXIT_CODE_ERROR,
        [STATUS_CRASHED] = EXIT_CODE_ERROR,
    };
    if (status == STATUS_CANCELLED && signal == SIGINT)
        return EXIT_CODE_INTERRUPTED;
    if (status == STATUS_CANCELLED && signal == SIGTERM)
        return EXIT_CODE_TERMINATED;
    return status < STATUS_COUNT ? codes[status] : EXIT_CODE_ERROR;
}
