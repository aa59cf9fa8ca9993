/* app/command.h - a command is one row: what help says, what the parser accepts, what runs.
 *
 * A new command is a file cmd_<name>.c that ends with its row, and a line in commands.c. */
#ifndef RAGGED_APP_COMMAND_H
#define RAGGED_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "app/config.h"
#include "app/format.h"
#include "app/option.h"
#include "app/output.h"
#include "base/cancel.h"
#include "base/status.h"
#include "base/trace_context.h"
#include "page/flame.h"

/* What the program ends with. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_ERROR = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_SOME_FAILED = 3,
    EXIT_CODE_BUSY = 4,
    EXIT_CODE_PROBLEMS = 5,
    EXIT_CODE_INTERRUPTED = 130,
    EXIT_CODE_TERMINATED = 143
};
struct exit_code_row {
    enum exit_code code;
    const char *meaning;
};
/* Ends with a row without a meaning. */
extern const struct exit_code_row exit_code_rows[];
/* `signal`: what asked to stop, 0 for none. */
enum exit_code exit_code_of(enum status status, int signal);

struct app;
typedef enum status app_watch(struct app *app, struct error *err);

/* One run of the program. */
struct app {
    char *const *argv;
    app_watch *watch; /* the screen of the monitor; NULL: another program has it */
    struct arguments arguments;
    struct config config;     /* loaded when the command uses it */
    struct output out, notes; /* stdout: data; stderr: everything else */
    enum format format;
    bool is_quiet, is_verbose;
    const struct cancel *cancel;
    enum exit_code exit_code;            /* of a run that ends with STATUS_OK */
    struct trace_context context;        /* the ids of this run */
    char traceparent[TRACE_PARENT_SIZE]; /* the same as servers are told */
    bool is_traceparent_invalid;         /* TRACEPARENT was, and was ignored */
    bool is_tracing;                     /* the spans of the process are of this run */
    struct {
        const char *path; /* NULL: none is wanted */
        enum flame_clock clock;
    } flame;
};

/* What a command does with its first word, e.g. "set" of "config set KEY VALUE". */
struct command_verb {
    const char *name, *usage, *help; /* usage: the words after the verb */
    size_t n_words_min, n_words_max; /* after the verb */
    enum status (*run)(struct app *app, struct error *err);
};

struct command {
    const char *name, *aliases; /* aliases: separated by spaces, NULL: none */
    const char *summary;        /* one line */
    const char *usage;          /* what follows the name */
    const char *details;        /* paragraphs for its help; NULL: none */
    const char *examples;       /* lines; NULL: none */
    const char *words;          /* what is missing when there are too few words */
    size_t n_words_min, n_words_max;
    unsigned formats;                 /* bits 1 << FORMAT_X */
    bool uses_config;                 /* app->config is loaded before it runs */
    bool is_wrapper;                  /* what follows its first word is for somebody else */
    bool is_shown;                    /* by the monitor while it runs, which may be long */
    const struct option *options;     /* NULL: only those of the program */
    const struct command_verb *verbs; /* with them `run` is command_run_verb */
    void (*help_more)(struct output *out);
    enum status (*run)(struct app *app, struct error *err);
};
#define COMMAND_WORDS_ANY ((size_t)-1)

/* NULL-terminated, in the order of help. */
extern const struct command *const command_table[];

const struct command *command_find(const char *name); /* by name or alias; NULL: none */
enum status command_unknown(const char *name, struct error *err) MUST_USE;
enum status command_run_verb(struct app *app, struct error *err) MUST_USE;

/* `name` is one of the words in the space-separated `names` (NULL: none). */
bool names_contain(const char *names, const char *name, size_t len);

/* What app->arguments say of the output, of which there is none yet. */
void app_prepare(struct app *app);
/* The command of app->arguments: help, settings, log and run. */
enum status app_run_command(struct app *app, struct error *err) MUST_USE;

/* Parses, runs, prints errors; returns what main returns. `watch` may be NULL. */
int app_run(int argc, char *const *argv, app_watch *watch);

#endif
