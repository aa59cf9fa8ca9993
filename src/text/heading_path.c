#include "text/heading_path.h"

#include <string.h>

#include "text/fit.h"

#define SEPARATOR " > "
/* With room for fewer tokens a word is left out rather than cut; a title in a script without blanks
 * has more. */
#define CUT_WORD_TOKENS_MIN 4

void heading_path_enter(struct heading_path *path, const struct text_block *heading)
{
    size_t level = heading->level < 1                ? 1
                   : heading->level > HEADING_LEVELS ? HEADING_LEVELS
                                                     : heading->level;
    path->headings[level - 1] = heading;
    for (size_t i = level; i < HEADING_LEVELS; i++)
        path->headings[i] = NULL;
}

struct part {
    const char *text;
    size_t len, n_tokens;
};

struct parts {
    struct part part[HEADING_LEVELS + 1];
    size_t n;
};

static void add_part(struct parts *parts, const struct text_counter *counter, const char *text,
                     size_t len)
{
    if (len == 0)
        return;
    for (size_t i = 0; i < parts->n; i++)
        if (parts->part[i].len == len && memcmp(parts->part[i].text, text, len) == 0)
            return;
    parts->part[parts->n++] = (struct part){
        .text = text, .len = len, .n_tokens = counter->count(counter->model, text, len)};
}

static size_t total_tokens(const struct parts *parts, size_t n_separator)
{
    size_t n = 0;
    for (size_t i = 0; i < parts->n; i++)
        n += parts->part[i].n_tokens + (i > 0 ? n_separator : 0);
    return n;
}

static void cut_part(struct part *part, const struct text_counter *counter, size_t n_max)
{
    size_t len = fit_words(counter, part->text, part->len, n_max, &part->n_tokens);
    if (len == 0 && n_max >= CUT_WORD_TOKENS_MIN)
        len = fit_characters(counter, part->text, part->len, n_max, &part->n_tokens);
    part->len = part->n_tokens <= n_max ? len : 0;
    part->n_tokens = part->len ? part->n_tokens : 0;
}

static void cut_parts(struct parts *parts, const struct text_counter *counter, size_t n_separator,
                      size_t n_max)
{
    while (parts->n > 2 && total_tokens(parts, n_separator) > n_max) {
        memmove(&parts->part[1], &parts->part[2], (parts->n - 2) * sizeof parts->part[0]);
        parts->n--;
    }
    struct part *last = &parts->part[parts->n - 1];
    if (parts->n == 2 && total_tokens(parts, n_separator) > n_max) {
        size_t n_rest = last->n_tokens + n_separator;
        cut_part(&parts->part[0], counter, n_rest < n_max ? n_max - n_rest : 0);
    }
    if (parts->n == 2 && parts->part[0].len == 0) {
        parts->part[0] = *last;
        parts->n = 1;
        last = &parts->part[0];
    }
    if (parts->n == 1 && last->n_tokens > n_max)
        cut_part(last, counter, n_max);
}

enum status heading_path_join(const struct heading_path *path,
                              const struct text_chunk_options *options, struct arena *arena,
                              struct heading_text *out, struct error *err)
{
    const struct text_counter *counter = &options->counter;
    struct parts parts = {0};
    if (options->title)
        add_part(&parts, counter, options->title, strlen(options->title));
    for (size_t i = 0; i < HEADING_LEVELS; i++)
        if (path->headings[i])
            add_part(&parts, counter, path->headings[i]->text, path->headings[i]->len);
    size_t n_separator = counter->count(counter->model, SEPARATOR, strlen(SEPARATOR));
    if (parts.n > 0)
        cut_parts(&parts, counter, n_separator, options->n_heading_max);
    struct buf text = {0};
    for (size_t i = 0; i < parts.n; i++) {
        if (i > 0)
            buf_append_text(&text, SEPARATOR);
        buf_append(&text, parts.part[i].text, parts.part[i].len);
    }
    enum status status = buf_status(&text, err);
    char *copy = status ? NULL : arena_text(arena, buf_text(&text), text.len);
    if (!status && !copy)
        status = error_nomem(err);
    if (!status)
        *out = (struct heading_text){
            .text = copy, .len = text.len, .n_tokens = total_tokens(&parts, n_separator)};
    buf_clear(&text);
    return status;
}
