/* fault_server - an HTTP peer that misbehaves exactly as told.
 *
 *     fault_server SCRIPT        (the script itself, not a file)
 *
 * Listens on 127.0.0.1, prints "PORT\n" on stdout and plays the script, one connection at a time.
 * A script is a list of lines. A line "---" begins the part for the next connection; the last part
 * serves all later connections too. Steps of a part:
 *
 *     recv             read one whole request (headers, and a body of Content-Length)
 *     show             write the last request to stdout: "<number of bytes>\n<bytes>"
 *     send TEXT        send TEXT; escapes \r \n \t \\ \0 \xHH; nothing is added
 *     repeat N TEXT    send TEXT N times
 *     answer CODE TYPE TEXT
 *                      a whole answer with Content-Length and "Connection: close"
 *     trickle MS TEXT  send TEXT byte by byte, MS between them
 *     sleep MS
 *     count TEXT       write "TEXT\n" to stdout
 *     stall            do nothing until the client goes away (at most 30 s)
 *     reset            end the connection by RST instead of FIN
 *     shut             end only our direction (half close), then wait for the client to go
 *     if TEXT          the steps down to the next "if" or "else" run only when the last request
 *                      contains TEXT and no "if" of this part matched before; "else": when none did
 *     first N TEXT     as "if TEXT", but only for the first N requests that it would match
 *
 * A script that is only "deaf" never accepts: its queue is full, and further SYNs are dropped.
 * At the end of a part the connection is closed. Blank lines and lines that begin with # are
 * skipped; blanks before a step are too. A client that goes away early ends its part. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (4 * 1024 * 1024)
#define FIRSTS_MAX 16

struct connection {
    int fd;
    char *request; /* REQUEST_MAX + 1 bytes, the last request, terminated */
    size_t request_len;
    bool is_matched, is_skipping;
    unsigned n_firsts[FIRSTS_MAX]; /* requests that a "first" of the script has matched, in order */
    unsigned i_first;
};

static bool send_all(struct connection *c, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Undoes the escapes of a step's text in place. */
static size_t unescape(char *text)
{
    static const char names[] = "rnt\\0", values[] = "\r\n\t\\\0";
    char *out = text;
    for (char *at = text; *at; at++) {
        const char *name = *at == '\\' && at[1] ? strchr(names, at[1]) : NULL;
        unsigned byte;
        if (name) {
            *out++ = values[name - names];
            at++;
        } else if (*at == '\\' && at[1] == 'x' && sscanf(at + 2, "%2x", &byte) == 1) {
            *out++ = (char)byte;
            at += 3;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

static size_t request_length(const struct connection *c)
{
    const char *end = strstr(c->request, "\r\n\r\n");
    if (!end)
        return SIZE_MAX;
    size_t n_body = 0;
    for (const char *line = c->request; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            n_body = strtoul(line + 15, NULL, 10);
    return (size_t)(end - c->request) + 4 + n_body;
}

static bool step_recv(struct connection *c, char *text)
{
    (void)text;
    c->request_len = 0;
    c->request[0] = '\0';
    while (request_length(c) > c->request_len && c->request_len < REQUEST_MAX) {
        ssize_t n = recv(c->fd, c->request + c->request_len, REQUEST_MAX - c->request_len, 0);
        if (n <= 0)
            return false;
        c->request_len += (size_t)n;
        c->request[c->request_len] = '\0';
    }
    return true;
}

static bool step_show(struct connection *c, char *text)
{
    (void)text;
    printf("%zu\n", c->request_len);
    fwrite(c->request, 1, c->request_len, stdout);
    fflush(stdout);
    return true;
}

static bool step_send(struct connection *c, char *text)
{
    return send_all(c, text, unescape(text));
}

static bool step_repeat(struct connection *c, char *text)
{
    char *rest;
    unsigned long n = strtoul(text, &rest, 10);
    rest += *rest == ' ';
    size_t len = unescape(rest);
    for (unsigned long i = 0; i < n; i++)
        if (!send_all(c, rest, len))
            return false;
    return true;
}

static bool step_trickle(struct connection *c, char *text)
{
    char *rest;
    long ms = strtol(text, &rest, 10);
    rest += *rest == ' ';
    size_t len = unescape(rest);
    for (size_t i = 0; i < len; i++) {
        if (!send_all(c, rest + i, 1))
            return false;
        nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
    }
    return true;
}

static bool step_count(struct connection *c, char *text)
{
    (void)c;
    printf("%s\n", text);
    fflush(stdout);
    return true;
}

static bool step_answer(struct connection *c, char *text)
{
    char head[256], type[100] = "";
    int code = 0, n_used = 0;
    sscanf(text, "%d %99s%n", &code, type, &n_used);
    char *body = text + n_used;
    body += *body == ' ';
    size_t len = unescape(body);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     code, type, len);
    return send_all(c, head, (size_t)n) && send_all(c, body, len);
}

static bool step_sleep(struct connection *c, char *text)
{
    (void)c;
    long ms = strtol(text, NULL, 10);
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
    return true;
}

static bool step_stall(struct connection *c, char *text)
{
    (void)text;
    char ignored[4096];
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    while (poll(&p, 1, 30000) > 0 && recv(c->fd, ignored, sizeof ignored, 0) > 0)
        ;
    return false;
}

static bool step_reset(struct connection *c, char *text)
{
    (void)text;
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    return false;
}

static bool step_shut(struct connection *c, char *text)
{
    shutdown(c->fd, SHUT_WR);
    return step_stall(c, text);
}

static const struct {
    const char *name;
    bool (*run)(struct connection *c, char *text); /* false: the connection ends here */
} steps[] = {
    {"recv", step_recv},       {"show", step_show},     {"send", step_send},
    {"repeat", step_repeat},   {"answer", step_answer}, {"sleep", step_sleep},
    {"stall", step_stall},     {"reset", step_reset},   {"shut", step_shut},
    {"trickle", step_trickle}, {"count", step_count},
};

/* False: the line is no condition. */
static bool run_condition(struct connection *c, const char *line, char *text)
{
    unsigned long n_most = ULONG_MAX;
    unsigned *n_matched = NULL;
    if (strcmp(line, "first") == 0) {
        n_most = strtoul(text, &text, 10);
        text += *text == ' ';
        n_matched = &c->n_firsts[c->i_first++ % FIRSTS_MAX];
    } else if (strcmp(line, "if") != 0 && strcmp(line, "else") != 0) {
        return false;
    }
    bool is_match = !c->is_matched && (line[0] == 'e' || strstr(c->request, text));
    if (n_matched && is_match)
        is_match = (*n_matched)++ < n_most;
    c->is_skipping = !is_match;
    c->is_matched |= is_match;
    return true;
}

static bool run_line(struct connection *c, char *line)
{
    char *text = line + strcspn(line, " ");
    if (*text)
        *text++ = '\0';
    if (run_condition(c, line, text))
        return true;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strcmp(line, steps[i].name) == 0)
            return c->is_skipping || steps[i].run(c, text);
    fprintf(stderr, "fault_server: unknown step \"%s\"\n", line);
    exit(2);
}

/* Plays the part at `script` and returns where the next one begins (itself when it is the last). */
static const char *play_part(struct connection *c, const char *script)
{
    const char *at = script;
    bool is_open = true;
    c->is_matched = c->is_skipping = false;
    c->i_first = 0;
    while (*at) {
        size_t len = strcspn(at, "\n");
        char *copy = strndup(at, len);
        char *line = copy + strspn(copy, " \t");
        at += len + (at[len] == '\n');
        bool is_end = strcmp(line, "---") == 0;
        if (!is_end && is_open && *line && *line != '#')
            is_open = run_line(c, line);
        free(copy);
        if (is_end)
            return at;
    }
    return script;
}

static int listen_anywhere(int n_waiting, int *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, n_waiting) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        perror("fault_server");
        exit(2);
    }
    *out_port = ntohs(address.sin_port);
    return fd;
}

/* Connects to ourselves until nobody gets in any more; the connections stay. */
static void be_deaf(int listener)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &len);
    for (int i = 0; i < 8; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fd, (struct sockaddr *)&address, len);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fault_server SCRIPT\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A connection of the test that we were started by must not stay open in us. */
    close_range(3, ~0u, 0);
    struct connection c = {.request = calloc(1, REQUEST_MAX + 1)};
    const char *script = argv[1];
    bool is_deaf = strcmp(script, "deaf") == 0;
    int port, listener = listen_anywhere(is_deaf ? 0 : 16, &port);
    if (is_deaf)
        be_deaf(listener);
    printf("%d\n", port);
    fflush(stdout);
    while (is_deaf)
        pause();
    while (c.request && (c.fd = accept(listener, NULL, NULL)) >= 0) {
        script = play_part(&c, script);
        close(c.fd);
    }
    free(c.request);
    return 1;
}
