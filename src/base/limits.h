/* base/limits.h - every fixed limit of the program, in one place. */
#ifndef RAGGED_BASE_LIMITS_H
#define RAGGED_BASE_LIMITS_H

#include <stddef.h>

#define RAGGED_MIB ((size_t)1024 * 1024)

#define RAGGED_LIMIT_BUF (1024 * RAGGED_MIB)          /* any buffer without a limit of its own */
#define RAGGED_LIMIT_FILE (500 * RAGGED_MIB)          /* a source document */
#define RAGGED_LIMIT_TEXT (256 * RAGGED_MIB)          /* text extracted from one document */
#define RAGGED_LIMIT_RECORD (8 * RAGGED_MIB)          /* one record from the parse worker */
#define RAGGED_LIMIT_BLOCKS ((size_t)4000000)         /* blocks in one document */
#define RAGGED_LIMIT_CHUNKS ((size_t)1000000)         /* chunks in one document */
#define RAGGED_LIMIT_CONFIG (1 * RAGGED_MIB)          /* a configuration file */
#define RAGGED_LIMIT_MODEL_HEADER (100 * RAGGED_MIB)  /* header of a weight file */
#define RAGGED_LIMIT_VOCAB (64 * RAGGED_MIB)          /* tokenizer files */
#define RAGGED_LIMIT_HTTP_BODY (16 * RAGGED_MIB)      /* an HTTP answer held in memory */
#define RAGGED_LIMIT_HTTP_LINE (1 * RAGGED_MIB)       /* one line of a streamed answer */
#define RAGGED_LIMIT_HTTP_HEADERS ((size_t)64 * 1024) /* all headers of one answer */
#define RAGGED_LIMIT_DOWNLOAD (16384 * RAGGED_MIB)    /* one file fetched to disk */
#define RAGGED_LIMIT_QUERY ((size_t)64 * 1024)        /* a question */
#define RAGGED_LIMIT_LINE (1 * RAGGED_MIB)            /* a line of texts; the rest is not read */
#define RAGGED_LIMIT_JSON_DEPTH 512
#define RAGGED_LIMIT_HTML_CPU_MS 1000              /* to parse HTML, for each MiB begun of it */
#define RAGGED_LIMIT_WORKER_AS (1536 * RAGGED_MIB) /* address space of the parse worker */
#define RAGGED_LIMIT_WORKER_CPU_S 60
#define RAGGED_LIMIT_WORKER_WALL_MS 120000

#endif
