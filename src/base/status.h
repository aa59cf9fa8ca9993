/* base/status.h - how every fallible function reports: a status and a sentence.
 *
 * A function returns `enum status`, takes `struct error *err` last (NULL: the caller does not
 * want the sentence) and leaves its outputs untouched unless it returns STATUS_OK. The sentence is
 * written where the names are known and prefixed on the way up with error_context().
 * Style: lower case, no full stop, no function names, values in double quotes. */
#ifndef RAGGED_BASE_STATUS_H
#define RAGGED_BASE_STATUS_H

#include <stdbool.h>

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
    STATUS_REMOTE,    /* another program or server failed: it may work the next time */
    STATUS_DAMAGED,   /* a file of ours is damaged: what it holds is made anew or restored */
    STATUS_MALFORMED, /* another program or server answered nonsense */
    STATUS_THROTTLED, /* a server wants fewer requests: try again more slowly */
    STATUS_REFUSED, /* a server will never do that: the key, the address or the request is wrong */
    STATUS_CRASHED, /* a worker process of ours died or broke its own rules */
    STATUS_COUNT
};

/* What can be done about a failure: one policy for each class. */
enum error_class {
    ERROR_CLASS_NONE,      /* no error */
    ERROR_CLASS_TRANSIENT, /* try again */
    ERROR_CLASS_THROTTLED, /* try again, more slowly */
    ERROR_CLASS_PERMANENT, /* the same again fails the same: a setting or the request must change */
    ERROR_CLASS_INPUT,     /* this document or text only; others are not concerned */
    ERROR_CLASS_RESOURCE,  /* wait until there is more memory, or take less */
    ERROR_CLASS_CORRUPT,   /* set aside and make anew */
    ERROR_CLASS_CANCELLED, /* somebody wanted it */
    ERROR_CLASS_BUG,       /* ours; what it happened to is set aside */
    ERROR_CLASS_COUNT
};

struct error {
    enum status status;
    char message[480]; /* cut at the end when longer, never in the middle of a character */
    char hint[480];    /* what the user can do about it; "" when there is nothing to say */
};

/* One word for logs, metrics and JSON: "ok", "nomem", "io", ...; "transient", ... */
const char *status_name(enum status status);
const char *error_class_name(enum error_class error_class);

enum error_class status_class(enum status status);
/* What happened in general and what follows from it, one line for people. */
const char *status_text(enum status status);
/* Another program or server is the cause: work that can do without it goes on. */
bool status_is_of_peer(enum status status);

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

/* Stars in the sentence for each piece that `secret` begins with: another program may have said it
 * back, whole or cut. Shorter secrets than 8 bytes: whole only; NULL or "": nothing. */
void error_hide(struct error *err, const char *secret);

/* Sets what the user can do. */
void error_hint(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
