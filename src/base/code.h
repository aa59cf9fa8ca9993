/* base/code.h - what the code at an address is: which file, which function. For reports about the
 * program itself; any thread. */
#ifndef RAGGED_BASE_CODE_H
#define RAGGED_BASE_CODE_H

#include <stddef.h>

#include "base/status.h"

#define CODE_FILE_NONE ((size_t)-1)

/* Files of this program are numbered 0..code_file_count()-1 in the order of their code. */
size_t code_file_count(void);
/* "src/engine/search.c"; static. i < code_file_count(). */
const char *code_file_path(size_t i);
/* The folder of that file, "engine" for "src/engine/search.c", in out (cut to fit). */
void code_file_room(size_t i, char *out, size_t size_bytes);
/* CODE_FILE_NONE: code of a library, or of a file without a mark. */
size_t code_file_find(const void *address);

/* Names of functions, from the program's own symbol table. */
struct code_symbols;
/* NOT_FOUND: the program was stripped; FORMAT: its file makes no sense. */
enum status code_symbols_open(struct code_symbols **out, struct error *err) MUST_USE;
/* The function that `address` lies in, borrowed until the close, and how far behind its beginning;
 * NULL: unknown, or symbols NULL. */
const char *code_symbols_find(const struct code_symbols *symbols, const void *address,
                              size_t *out_offset);
void code_symbols_close(struct code_symbols *symbols); /* NULL is fine */

#endif
