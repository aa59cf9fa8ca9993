/* text/heading_path.h - "Title > Section > Subsection" for the place in a document. Private to
 * text/. */
#ifndef RAGGED_TEXT_HEADING_PATH_H
#define RAGGED_TEXT_HEADING_PATH_H

#include "text/text.h"

#define HEADING_LEVELS 6

struct heading_path {
    const struct text_block *headings[HEADING_LEVELS]; /* by level - 1; NULL: none */
};

/* Enters a heading: deeper ones are left. */
void heading_path_enter(struct heading_path *path, const struct text_block *heading);

struct heading_text {
    const char *text; /* terminated, from the arena */
    size_t len, n_tokens;
};

/* Joined with " > " and cut to options->n_heading_max tokens: the middle goes first, then the end
 * of the title, then the end of the deepest heading. A heading that repeats the title is left out.
 */
enum status heading_path_join(const struct heading_path *path,
                              const struct text_chunk_options *options, struct arena *arena,
                              struct heading_text *out, struct error *err) MUST_USE;

#endif
