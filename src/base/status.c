#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

const char *status_name(enum status status)
{
    static const char *const names[STATUS_COUNT] = {
        [STATUS_OK] = "ok",
        [STATUS_NOMEM] = "nomem",
        [STATUS_IO] = "io",
        [STATUS_FORMAT] = "format",
        [STATUS_NOT_FOUND] = "not_found",
        [STATUS_INVALID] = "invalid",
        [STATUS_LIMIT] = "limit",
        [STATUS_BUSY] = "busy",
        [STATUS_CANCELLED] = "cancelled",
        [STATUS_REMOTE] = "remote",
    };
    return status < STATUS_COUNT ? names[status] : "unknown";
}

/* vsnprintf() may cut inside a character; the rest of the program relies on whole ones. */
static PRINTF_LIKE(3, 0) void print_whole(char *out, size_t size, const char *format, va_list args)
{
    vsnprintf(out, size, format, args);
    out[utf8_whole_prefix(out, strlen(out))] = '\0';
}

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        print_whole(err->message, sizeof err->message, format, args);
        va_end(args);
        err->status = status;
        err->hint[0] = '\0';
    }
    return status;
}

static enum status status_of_errno(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return STATUS_NOMEM;
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EAGAIN:
        return STATUS_BUSY;
    default:
        return STATUS_IO;
    }
}

enum status error_errno(struct error *err, int errnum, const char *format, ...)
{
    char what[sizeof err->message], why[128];
    va_list args;
    va_start(args, format);
    print_whole(what, sizeof what, format, args);
    va_end(args);
    return error_set(err, status_of_errno(errnum), "%s: %s", what,
                     strerror_r(errnum, why, sizeof why));
}

enum status error_nomem(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory");
}

enum status error_context(struct error *err, enum status status, const char *format, ...)
{
    if (err) {
        char context[sizeof err->message], joined[2 * sizeof err->message + 2];
        va_list args;
        va_start(args, format);
        print_whole(context, sizeof context, format, args);
        va_end(args);
        snprintf(joined, sizeof joined, "%s: %s", context, err->message);
        joined[sizeof err->message - 1] = '\0';
        joined[utf8_whole_prefix(joined, strlen(joined))] = '\0';
        memcpy(err->message, joined, strlen(joined) + 1);
        err->status = status;
    }
    return status;
}

void error_hint(struct error *err, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        print_whole(err->hint, sizeof err->hint, format, args);
        va_end(args);
    }
}
