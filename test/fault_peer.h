/* A fault_server (test/tools/fault_server.c, where its script language is described) as the peer of
 * a test. */
#ifndef RAGGED_TEST_FAULT_PEER_H
#define RAGGED_TEST_FAULT_PEER_H

#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/process.h"

struct fault_peer {
    struct process process;
    char url[64]; /* "http://127.0.0.1:PORT" */
};

static inline int fault_peer_read_number(struct fault_peer *peer)
{
    char digits[16] = "";
    for (size_t i = 0; i + 1 < sizeof digits; i++) {
        assert_int_equal(process_read(&peer->process, digits + i, 1, 5000), 1);
        if (digits[i] == '\n')
            break;
    }
    return atoi(digits);
}

static inline void fault_peer_start(struct fault_peer *peer, const char *script)
{
    struct error err = {0};
    char program[512];
    const char *build = getenv("RAGGED_BUILD");
    snprintf(program, sizeof program, "%s/test/tools/fault_server",
             build ? build : "build/release");
    const char *argv[] = {program, script, NULL};
    const struct process_options options = {.argv = argv, .extra_fd = -1};
    assert_ok(process_start(&options, &peer->process, &err));
    snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%d", fault_peer_read_number(peer));
}

/* The request that a "show" step printed, terminated; waits for it. */
static inline void fault_peer_read_request(struct fault_peer *peer, char *out, size_t size)
{
    size_t len = (size_t)fault_peer_read_number(peer), n_read = 0;
    assert_true(len < size);
    while (n_read < len) {
        ssize_t n = process_read(&peer->process, out + n_read, len - n_read, 5000);
        assert_true(n > 0);
        n_read += (size_t)n;
    }
    out[len] = '\0';
}

static inline void fault_peer_stop(struct fault_peer *peer)
{
    process_stop(&peer->process, NULL);
}

#endif
