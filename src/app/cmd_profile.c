#include <string.h>

#include "app/command.h"
#include "app/tracing.h"
#include "base/mem.h"

#define USUAL_PATH "ragged-profile.svg"

static const struct option options[] = {
    {.name = "output",
     .letters = "o",
     .arg = "FILE",
     .rule = {.type = VALUE_TEXT},
     .help = "where the graph goes, instead of " USUAL_PATH},
    {.name = "wall", .help = "elapsed time instead of computing time: waiting counts too"},
    OPTION_END,
};

/* The words as a command line of their own. */
static enum status parse_inner(const struct arguments *outer, struct arguments *out,
                               struct error *err)
{
    char **argv = mem_zalloc(outer->n_words + 1, sizeof *argv);
    if (!argv)
        return error_nomem(err);
    for (size_t i = 0; i < outer->n_words; i++)
        memcpy(&argv[i + 1], &outer->words[i], sizeof *argv); /* argv's own, which are not const */
    enum status status = arguments_parse((int)outer->n_words + 1, argv, out, err);
    mem_free(argv);
    if (!status)
        status = arguments_inherit(out, outer, err);
    if (!status && out->command && out->command->is_wrapper)
        status = error_set(err, STATUS_INVALID, "\"ragged %s\" can not profile itself",
                           out->command->name);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    struct arguments outer = app->arguments, inner = {0};
    app->flame.path = arguments_text(&outer, "output", USUAL_PATH);
    app->flame.clock = arguments_has(&outer, "wall") ? FLAME_WALL : FLAME_CPU;
    enum status status = parse_inner(&outer, &inner, err);
    app->arguments = inner; /* from here on the run is that of the other command */
    arguments_clear(&outer);
    app_prepare(app);
    if (!status)
        status = tracing_open(app, err);
    return status ? status : app_run_command(app, err);
}

const struct command cmd_profile = {
    .name = "profile",
    .summary = "Run a command and draw where its computing time went",
    .usage = "[OPTIONS] COMMAND [ARGUMENTS]",
    .details =
        "The graph is a page of SVG for any browser: what a stage was part of stands below it, "
        "and each is as\nwide as the time it took, in all threads together. Hovering shows the "
        "figures. The command does and prints\nwhat it always does, and its exit code is the one "
        "of this. The clocks are the program's own; parsers are\nprograms beside it and not in "
        "the graph.",
    .examples = "  ragged profile add ~/papers\n"
                "  ragged profile -o query.svg --wall query \"what is in the cellar?\"",
    .words = "a command",
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_ANY,
    .formats = FORMATS_ALL | FORMAT_BIT(FORMAT_F32),
    .options = options,
    .is_wrapper = true,
    .run = run,
};
