#include "base/trace.h"

static const char *const names[TRACE_STAGE_COUNT] = {
    [TRACE_STAGE_COMMAND] = "command",
    [TRACE_STAGE_CONFIG] = "configuration",
    [TRACE_STAGE_OUTPUT] = "output",
    [TRACE_STAGE_OPEN_LIBRARY] = "open library",
    [TRACE_STAGE_OPEN_MODEL] = "open model",
    [TRACE_STAGE_CLOSE] = "close",
    [TRACE_STAGE_SCAN_FILES] = "scan files",
    [TRACE_STAGE_FILE] = "file",
    [TRACE_STAGE_HASH] = "hash",
    [TRACE_STAGE_PARSE] = "parse",
    [TRACE_STAGE_CHUNK] = "chunk",
    [TRACE_STAGE_TERMS] = "terms",
    [TRACE_STAGE_TOKENIZE] = "tokenize",
    [TRACE_STAGE_EMBED] = "embed",
    [TRACE_STAGE_WRITE] = "write",
    [TRACE_STAGE_SEGMENT] = "segment",
    [TRACE_STAGE_COMMIT] = "commit",
    [TRACE_STAGE_CHECKPOINT] = "checkpoint",
    [TRACE_STAGE_FLUSH] = "flush",
    [TRACE_STAGE_MERGE] = "merge",
    [TRACE_STAGE_WAIT] = "wait",
    [TRACE_STAGE_SEARCH] = "search",
    [TRACE_STAGE_CACHE_LOOKUP] = "cache lookup",
    [TRACE_STAGE_READ_QUERY] = "read query",
    [TRACE_STAGE_EMBED_QUERY] = "embed query",
    [TRACE_STAGE_SNAPSHOT] = "snapshot",
    [TRACE_STAGE_WORDS_LEG] = "words leg",
    [TRACE_STAGE_MEANING_LEG] = "meaning leg",
    [TRACE_STAGE_FUSE] = "fuse",
    [TRACE_STAGE_FETCH] = "fetch",
    [TRACE_STAGE_RERANK] = "rerank",
    [TRACE_STAGE_ANSWER] = "answer",
    [TRACE_STAGE_PROMPT] = "prompt",
    [TRACE_STAGE_GENERATE] = "generate",
    [TRACE_STAGE_CITE_CHECK] = "cite check",
    [TRACE_STAGE_REQUEST] = "request",
};

const char *trace_stage_name(enum trace_stage stage)
{
    return names[stage];
}
