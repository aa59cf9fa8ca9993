/* base/status.h - how every fallible function reports: a status and a sentence.
 *
 * A function returns `enum status`, takes `struct error *err` last (NULL: the caller does not
 * want the sentence) and leaves its outputs untouched unless it returns STATUS_OK. The sentence is
 * written where the names are known and prefixed on the way up with error_context().
 * Style: lower case, no full stop, no function names, values in double quotes. */
#ifndef RAGGED_BASE_STATUS_H
#define RAGGED_BASE_STATUS_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((__format__(printf, at, first)))

enum status {
    STATUS_OK = 0,
    STATUS_NOMEM,     /* out of memory: nothing changed, try with less */
    STATUS_IO,        /* the operating system refused: look at the sentence */
    STATUS_FORMAT,    /* bytes from outside are damaged or not what they claim to be */
    STATUS_NOT_FOUND, /* the named thing is not there */
    STATUS_INVALID,   /* the caller's or the user's request makes no sense */
    STATUS_LIMIT,     /* a stated limit would be passed */
    STATUS_BUSY,      /* someone else holds it: try again later */
    STATUS_CANCELLED, /* the user or a deadline stopped it */
    STATUS_REMOTE,    /* another program or server failed or answered nonsense */
    STATUS_COUNT
};

struct error {
    enum status status;
    char message[480]; /* cut at the end when longer, never in the middle of a character */
    char hint[480];    /* what the user can do about it; "" when there is nothing to say */
};

/* One word for logs and JSON: "ok", "nomem", "io", ... */
const char *status_name(enum status status);

/* Sets the sentence (and clears the hint); returns `status`, so that `return error_set(...)` works.
 */
enum status error_set(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As error_set(), with ": <strerror>" behind it. ENOMEM gives STATUS_NOMEM, ENOENT and ENOTDIR
 * STATUS_NOT_FOUND, EAGAIN STATUS_BUSY, anything else STATUS_IO. */
enum status error_errno(struct error *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);

/* STATUS_NOMEM with its usual sentence. */
enum status error_nomem(struct error *err);

/* Puts "<format>: " in front of the sentence; returns `status` unchanged. */
enum status error_context(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Sets what the user can do. */
void error_hint(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
