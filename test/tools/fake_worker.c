/* A worker that misbehaves. RAGGED_FAKE_WORKER says how: "crash", "forbidden", "hang", "spin",
 * "flood", "flood-bytes", "exit", "close", or "records:<hex bytes>", sent in answer to a document.
 * In the folder of $RAGGED_FAKE_ONCE the first worker leaves a mark; later ones become
 * $RAGGED_FAKE_REAL.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/request.h"

static void send_bytes(const void *bytes, size_t len)
{
    for (const char *at = bytes; len > 0;) {
        ssize_t n = write(1, at, len);
        if (n < 0)
            _exit(0);
        at += n;
        len -= (size_t)n;
    }
}

static void flood(void)
{
    static unsigned char record[65536] = {3, 0xFB, 0xFF, 0, 0, 0, 0}; /* a BLOCK of 65,531 bytes */
    static const unsigned char begin[] = {1, 4, 0, 0, 0, 't', 'e', 'x', 't'};
    memset(record + 15, 'x', sizeof record - 15);
    send_bytes(begin, sizeof begin);
    for (int i = 0; i < 16384; i++)
        send_bytes(record, sizeof record);
}

static void flood_bytes(void)
{
    static const char noise[65536] = {3, 0, 0, 127}; /* never becomes a whole record */
    for (int i = 0; i < 16384; i++)
        send_bytes(noise, sizeof noise);
}

static void send_hex(const char *hex)
{
    char byte[3] = {0};
    for (; hex[0] && hex[1]; hex += 2) {
        memcpy(byte, hex, 2);
        unsigned char value = (unsigned char)strtoul(byte, NULL, 16);
        send_bytes(&value, 1);
    }
}

static void misbehave(const char *how)
{
    if (strcmp(how, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler of its own */
        raise(SIGSEGV);
    }
    if (strcmp(how, "forbidden") == 0)
        raise(SIGSYS);
    while (strcmp(how, "hang") == 0)
        pause();
    for (volatile unsigned n = 0; strcmp(how, "spin") == 0;)
        n++;
    if (strcmp(how, "flood") == 0)
        flood();
    if (strcmp(how, "flood-bytes") == 0)
        flood_bytes();
    if (strcmp(how, "close") == 0) {
        close(1);
        pause();
    }
    if (strncmp(how, "records:", 8) == 0) {
        send_hex(how + 8);
        pause();
    }
}

int main(int argc, char **argv)
{
    const char *how = getenv("RAGGED_FAKE_WORKER"), *mark = getenv("RAGGED_FAKE_ONCE");
    const char *real = getenv("RAGGED_FAKE_REAL");
    struct request request;
    int document_fd;
    (void)argc;
    if (mark && real && open(mark, O_CREAT | O_EXCL | O_WRONLY, 0600) < 0 && errno == EEXIST) {
        execv(real, argv);
        return 1;
    }
    if (how && strcmp(how, "exit") == 0)
        return 7;
    while (how && request_receive(REQUEST_FD, &request, &document_fd) > 0)
        misbehave(how);
    return 0;
}
