/* What every cmocka program here begins with. */
#ifndef RAGGED_TEST_BASE_H
#define RAGGED_TEST_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/status.h"

/* Fails with the sentence of the error, not only with a number. */
#define assert_ok(call)                                                        \
    do {                                                                       \
        enum status status_ = (call);                                          \
        if (status_ != STATUS_OK)                                              \
            fail_msg("%s: %s (%s)", #call, err.message, status_name(status_)); \
    } while (0)

#define assert_status(call, expected) assert_string_equal(status_name(call), status_name(expected))

/* A skip is said out loud; the runner prints these lines. */
#define skip_because(...)    \
    do {                     \
        printf("SKIPPED: "); \
        printf(__VA_ARGS__); \
        printf("\n");        \
        skip();              \
    } while (0)

#endif
