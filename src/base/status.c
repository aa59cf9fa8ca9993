#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
    const char *name, *text;
    enum error_class error_class;
} rows[STATUS_COUNT] = {
    [STATUS_OK] = {"ok", "done", ERROR_CLASS_NONE},
    [STATUS_NOMEM] = {"nomem", "out of memory: try again with less at a time",
                      ERROR_CLASS_RESOURCE},
    [STATUS_IO] = {"io", "the operating system refused a file, a lock or a process",
                   ERROR_CLASS_PERMANENT},
    [STATUS_FORMAT] = {"format", "a file is damaged or not what it claims to be",
                       ERROR_CLASS_INPUT},
    [STATUS_DAMAGED] = {"damaged", "a part of the library is damaged and has to be made anew",
                        ERROR_CLASS_CORRUPT},
    [STATUS_NOT_FOUND] = {"not_found", "something that was named is not there",
                          ERROR_CLASS_PERMANENT},
    [STATUS_INVALID] = {"invalid", "the request or a setting makes no sense",
                        ERROR_CLASS_PERMANENT},
    [STATUS_LIMIT] = {"limit", "something is larger than its limit", ERROR_CLASS_INPUT},
    [STATUS_BUSY] = {"busy", "somebody else holds it: try again later", ERROR_CLASS_TRANSIENT},
    [STATUS_CANCELLED] = {"cancelled", "it was stopped", ERROR_CLASS_CANCELLED},
    [STATUS_REMOTE] = {"remote", "a server or program failed: it may work the next time",
                       ERROR_CLASS_TRANSIENT},
    [STATUS_MALFORMED] = {"malformed", "a server answered with nonsense", ERROR_CLASS_TRANSIENT},
    [STATUS_THROTTLED] = {"throttled", "a server wants fewer requests", ERROR_CLASS_THROTTLED},
    [STATUS_REFUSED] = {"refused", "a server refuses: the key, the address or the request is wrong",
                        ERROR_CLASS_PERMANENT},
    [STATUS_CRASHED] = {"crashed", "a worker process died: what it worked on is left out",
                        ERROR_CLASS_BUG},
};

const char *status_name(enum status status)
{
    return status < STATUS_COUNT ? rows[status].name : "unknown";
}

const char *status_text(enum status status)
{
    return status < STATUS_COUNT ? rows[status].text : "unknown";
}

enum error_class status_class(enum status status)
{
    return status < STATUS_COUNT ? rows[status].error_class : ERROR_CLASS_BUG;
}

const char *error_class_name(enum error_class error_class)
{
    static const char *const names[ERROR_CLASS_COUNT] = {
        [ERROR_CLASS_NONE] = "none",
        [ERROR_CLASS_TRANSIENT] = "transient",
        [ERROR_CLASS_THROTTLED] = "throttled",
        [ERROR_CLASS_PERMANENT] = "permanent",
        [ERROR_CLASS_INPUT] = "input",
        [ERROR_CLASS_RESOURCE] = "resource",
        [ERROR_CLASS_CORRUPT] = "corrupt",
        [ERROR_CLASS_CANCELLED] = "cancelled",
        [ERROR_CLASS_BUG] = "bug",
    };
    return error_class < ERROR_CLASS_COUNT ? names[error_class] : "unknown";
}

bool status_is_of_peer(enum status status)
{
    return status == STATUS_REMOTE || status == STATUS_MALFORMED || status == STATUS_THROTTLED ||
           status == STATUS_REFUSED;
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

void error_hide(struct error *err, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0, len_min = len < 8 ? len : 8;
    for (char *at = err ? err->message : NULL; at && len > 0 && *at;) {
        size_t n = 0;
        while (n < len && at[n] == secret[n])
            n++;
        if (n < len_min)
            n = 0;
        memset(at, '*', n);
        at += n > 0 ? n : 1;
    }
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
