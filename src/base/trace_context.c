#include "base/trace_context.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define PARTS_LEN 55 /* "00-" 32 "-" 16 "-" 2 */
#define VERSION_INVALID 0xFF
#define FLAG_SAMPLED 1

static const char digits[] = "0123456789abcdef";

/* Lower case only, as the standard has it. False: something else stands there. */
static bool read_hex(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | (digit - digits));
    }
    return true;
}

static void write_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < 2 * n; i++)
        out[i] = digits[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
    out[2 * n] = '\0';
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

/* A later version may have more behind a further "-"; ours has not. */
static bool read_parent(const char *text, struct trace_context *out)
{
    uint8_t version = 0, parent[8] = {0};
    struct trace_context read = {.is_inherited = true};
    size_t len = strlen(text);
    if (len < PARTS_LEN || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (!read_hex(text, &version, 1) || !read_hex(text + 3, read.trace_id, sizeof read.trace_id) ||
        !read_hex(text + 36, parent, sizeof parent) || !read_hex(text + 53, &read.flags, 1))
        return false;
    bool is_whole = version == 0 ? len == PARTS_LEN : len == PARTS_LEN || text[PARTS_LEN] == '-';
    if (version == VERSION_INVALID || !is_whole || is_zero(read.trace_id, sizeof read.trace_id) ||
        is_zero(parent, sizeof parent))
        return false;
    read.flags &= FLAG_SAMPLED; /* what later versions mean by the others is not known here */
    *out = read;
    return true;
}

enum status trace_context_begin(const char *traceparent, struct trace_context *out)
{
    struct trace_context context = {0};
    bool is_valid = traceparent && read_parent(traceparent, &context);
    bool has_random = random_bytes(context.span_id, sizeof context.span_id, NULL) == STATUS_OK;
    if (!is_valid && has_random)
        has_random = random_bytes(context.trace_id, sizeof context.trace_id, NULL) == STATUS_OK;
    context.is_inherited &= has_random;
    *out = context;
    return traceparent && !is_valid ? STATUS_INVALID : STATUS_OK;
}

void trace_context_write(const struct trace_context *context, char out[TRACE_PARENT_SIZE])
{
    char trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];
    trace_context_ids(context, trace_id, span_id);
    snprintf(out, TRACE_PARENT_SIZE, "00-%s-%s-%02x", trace_id, span_id, context->flags);
}

void trace_context_ids(const struct trace_context *context, char trace_id[TRACE_ID_SIZE],
                       char span_id[SPAN_ID_SIZE])
{
    write_hex(context->trace_id, sizeof context->trace_id, trace_id);
    write_hex(context->span_id, sizeof context->span_id, span_id);
}
