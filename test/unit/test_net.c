#include "../canceller.h"
#include "../fault_peer.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "net/http.h"

#define OK_HEAD "HTTP/1.1 200 OK\\r\\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\\r\\n\\r\\n"

static struct error err;

static struct net_request quick_get(const char *url)
{
    return (struct net_request){
        .method = "GET",
        .url = url,
        .timeouts = {.connect_ms = 300, .first_byte_ms = 300, .idle_ms = 300, .total_ms = 2000},
    };
}

static enum status fetch(const struct net_request *request, struct buf *body,
                         struct net_response *response)
{
    struct transfer_facts facts;
    return http_fetch(request, body, response, &facts, &err);
}

static enum status fetch_once(const char *script, struct buf *body, struct net_response *response)
{
    struct fault_peer peer;
    fault_peer_start(&peer, script);
    struct net_request request = quick_get(peer.url);
    enum status status = fetch(&request, body, response);
    if (status_is_of_peer(status))
        assert_non_null(strstr(err.message, peer.url));
    fault_peer_stop(&peer);
    return status;
}

/* --- http_fetch --- */

static void test_net__fetches_a_body_with_nul_bytes(void **state)
{
    (void)state;
    struct buf body = {0};
    struct net_response response;
    buf_append_text(&body, "before ");
    assert_ok(fetch_once("recv\nanswer 404 application/json a\\0b", &body, &response));
    assert_int_equal(response.code, 404);
    assert_string_equal(response.content_type, "application/json");
    assert_int_equal(body.len, 10);
    assert_memory_equal(body.data, "before a\0b", 10);
    buf_clear(&body);
}

static void test_net__sends_what_was_asked(void **state)
{
    (void)state;
    struct fault_peer peer;
    fault_peer_start(&peer, "recv\nshow\nanswer 200 text/plain ok");
    struct net_request request = quick_get(peer.url);
    request.method = "POST";
    request.body = "{\"a\":1}";
    request.body_len = 7;
    request.bearer = "secret";
    struct buf body = {0};
    struct net_response response;
    assert_ok(fetch(&request, &body, &response));
    char seen[2048];
    fault_peer_read_request(&peer, seen, sizeof seen);
    assert_memory_equal(seen, "POST / HTTP/1.1\r\n", 17);
    assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(seen, "Expect"));
    assert_null(strstr(seen, "Accept-Encoding"));
    request.bearer = "one\r\nX-Evil: two";
    assert_status(fetch(&request, &body, &response), STATUS_INVALID);
    assert_null(strstr(err.message, "Evil"));
    buf_clear(&body);
    fault_peer_stop(&peer);
}

static const struct {
    const char *name, *script;
    enum status status;
    const char *sentence;
} fetch_faults[] = {
    {"silence", "recv\nstall", STATUS_REMOTE, "did not begin to answer within 300 ms"},
    {"headers, then silence", "recv\nsend " OK_HEAD "Content-Length: 5\\r\\n\\r\\n\nstall",
     STATUS_REMOTE, "did not begin to answer"},
    {"stall in the body", "recv\nsend " OK_HEAD "Content-Length: 5\\r\\n\\r\\nab\nstall",
     STATUS_REMOTE, "sent nothing more within 300 ms"},
    {"close at once", "recv", STATUS_REMOTE, "closed the connection without an answer"},
    {"reset before headers", "recv\nreset", STATUS_REMOTE, "lost the connection"},
    {"reset in the body", "recv\nsend " OK_HEAD "Content-Length: 5\\r\\n\\r\\nab\nsleep 50\nreset",
     STATUS_REMOTE, "lost the connection"},
    {"body shorter than promised", "recv\nsend " OK_HEAD "Content-Length: 5\\r\\n\\r\\nab",
     STATUS_REMOTE, "ended its answer early"},
    {"no last chunk", "recv\nsend " CHUNKED "3\\r\\nabc\\r\\n\nshut", STATUS_REMOTE,
     "ended its answer early"},
    {"chunk size beyond 2^64", "recv\nsend " CHUNKED "fffffffffffffffff\\r\\nabc\\r\\n",
     STATUS_REMOTE, ""},
    {"not HTTP", "recv\nsend SSH-2.0-OpenSSH\\r\\n", STATUS_MALFORMED, "answered wrongly"},
    {"flood of headers",
     "recv\nsend " OK_HEAD "\nrepeat 100000 X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\r\\n",
     STATUS_MALFORMED, "bytes of headers"},
    {"flood of 100s", "recv\nrepeat 100000 HTTP/1.1 100 Continue\\r\\n\\r\\n", STATUS_MALFORMED,
     "bytes of headers"},
    {"one endless header", "recv\nsend " OK_HEAD "X: \nrepeat 100000 aaaaaaaaaaaaaaaa",
     STATUS_MALFORMED, "header"},
    {"huge body",
     "recv\nsend " CHUNKED "ffffffff\\r\\n\n"
     "repeat 40000 "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     STATUS_LIMIT, "larger than 1048576 bytes"},
};

static void test_net__ends_every_fault_in_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fetch_faults / sizeof fetch_faults[0]; i++) {
        struct buf body = {.limit_bytes = RAGGED_MIB};
        struct net_response response = {.code = -1};
        buf_append_text(&body, "kept");
        int64_t start_ms = clock_monotonic_ms();
        enum status status = fetch_once(fetch_faults[i].script, &body, &response);
        if (status != fetch_faults[i].status || !strstr(err.message, fetch_faults[i].sentence))
            fail_msg("%s: %s, \"%s\"", fetch_faults[i].name, status_name(status), err.message);
        assert_true(clock_monotonic_ms() - start_ms < 3000);
        assert_string_equal(buf_text(&body), "kept");
        assert_int_equal(body.failed, STATUS_OK);
        assert_int_equal(response.code, -1);
        buf_clear(&body);
    }
}

static void test_net__says_connection_refused(void **state)
{
    (void)state;
    struct fault_peer peer;
    fault_peer_start(&peer, "recv");
    fault_peer_stop(&peer); /* now nobody listens there */
    struct net_request request = quick_get(peer.url);
    struct buf body = {0};
    struct net_response response;
    char expected[128];
    int64_t start_ms = clock_monotonic_ms();
    assert_status(fetch(&request, &body, &response), STATUS_REMOTE);
    assert_true(clock_monotonic_ms() - start_ms < 250);
    snprintf(expected, sizeof expected, "could not connect to %s: Connection refused", peer.url);
    assert_string_equal(err.message, expected);
    buf_clear(&body);
}

static void test_net__refuses_other_schemes(void **state)
{
    (void)state;
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/",
                                       "127.0.0.1:80",       "http://",
                                       "http://a b/",        "http://a\r\nHost: b/"};
    struct buf body = {0};
    struct net_response response;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct net_request request = quick_get(urls[i]);
        assert_status(fetch(&request, &body, &response), STATUS_INVALID);
    }
    buf_clear(&body);
}

static void test_net__never_shows_the_password_of_a_url(void **state)
{
    (void)state;
    struct net_request request = quick_get("http://me:hush@127.0.0.1:1/?key=hush");
    struct buf body = {0};
    struct net_response response;
    assert_status(fetch(&request, &body, &response), STATUS_REMOTE);
    assert_null(strstr(err.message, "hush"));
    assert_non_null(strstr(err.message, "http://127.0.0.1:1"));
    buf_clear(&body);
}

static void test_net__follows_redirects_only_when_asked_and_never_to_files(void **state)
{
    (void)state;
    static const char script[] =
        "recv\nsend HTTP/1.1 302 Found\\r\\nLocation: /there\\r\\nContent-Length: 0\\r\\n"
        "Connection: close\\r\\n\\r\\n\n---\n"
        "recv\nif GET /there\nanswer 200 text/plain arrived\nelse\n"
        "send HTTP/1.1 302 Found\\r\\nLocation: file:///etc/passwd\\r\\nContent-Length: 0\\r\\n"
        "Connection: close\\r\\n\\r\\n";
    struct fault_peer peer;
    struct buf body = {0};
    struct net_response response;
    fault_peer_start(&peer, script);
    struct net_request request = quick_get(peer.url);
    request.follow_redirects = 1;
    assert_ok(fetch(&request, &body, &response));
    assert_string_equal(buf_text(&body), "arrived");
    buf_reset(&body);
    assert_status(fetch(&request, &body, &response), STATUS_MALFORMED);
    assert_int_equal(body.len, 0);
    request.follow_redirects = 0;
    assert_ok(fetch(&request, &body, &response));
    assert_int_equal(response.code, 302);
    buf_clear(&body);
    fault_peer_stop(&peer);
}

static void test_net__ignores_the_proxy_for_loopback(void **state)
{
    (void)state;
    struct buf body = {0};
    struct net_response response;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_ok(fetch_once("recv\nanswer 200 text/plain direct", &body, &response));
    unsetenv("http_proxy");
    assert_string_equal(buf_text(&body), "direct");
    buf_clear(&body);
}

static void test_net__cancels_within_a_tenth_of_a_second(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct canceller canceller = {.after_ms = 100};
    struct buf body = {0};
    struct net_response response;
    fault_peer_start(&peer, "recv\nsend " CHUNKED "3\\r\\nabc\\r\\n\nstall");
    struct net_request request = quick_get(peer.url);
    request.timeouts.idle_ms = 5000;
    request.timeouts.total_ms = 5000;
    request.cancel = &canceller.cancel;
    canceller_start(&canceller);
    int64_t start_ms = clock_monotonic_ms();
    assert_status(fetch(&request, &body, &response), STATUS_CANCELLED);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    canceller_join(&canceller);
    assert_in_range(took_ms, 90, 300);
    buf_clear(&body);
    fault_peer_stop(&peer);
}

/* --- http_stream --- */

struct lines {
    struct buf text; /* each line and '|' */
    enum status answer;
    size_t n, n_enough; /* 0: never enough */
};

static enum status take_line(void *ctx, const char *line, size_t len, struct error *out_err)
{
    struct lines *lines = ctx;
    (void)out_err;
    buf_append(&lines->text, line, len);
    buf_append_char(&lines->text, '|');
    lines->n++;
    return lines->answer;
}

static size_t count_lines(const void *ctx)
{
    return ((const struct lines *)ctx)->n;
}

static bool has_enough(const void *ctx)
{
    const struct lines *lines = ctx;
    return lines->n_enough > 0 && lines->n >= lines->n_enough;
}

static const struct net_lines taker = {
    .on_line = take_line, .n_progress = count_lines, .is_complete = has_enough};

static enum status stream(const char *url, struct lines *lines, struct buf *error_body,
                          struct net_response *response)
{
    struct net_request request = quick_get(url);
    struct transfer_facts facts;
    return http_stream(&request, &taker, lines, error_body, response, &facts, &err);
}

static const struct {
    const char *name, *script, *lines;
    enum status status;
} streams[] = {
    {"one byte at a time, a split character, CRLF and LF, a last line without an end",
     "recv\nsend " CHUNKED
     "\nsend 1\\r\\n\\xC3\\r\\n\nsleep 20\nsend 1\\r\\n\\xA9\\r\\n\nsleep 20\n"
     "send 2\\r\\n\\r\\n\\r\\n\nsend 3\\r\\nb\\nc\\r\\n0\\r\\n\\r\\n",
     "\xC3\xA9|b|c|", STATUS_OK},
    {"empty lines", "recv\nanswer 200 text/event-stream a\\n\\n\\r\\nb\\n", "a|||b|", STATUS_OK},
    {"no body", "recv\nanswer 200 text/plain", "", STATUS_OK},
    {"no framing but the close", "recv\nsend HTTP/1.0 200 OK\\r\\n\\r\\na\\nb", "a|b|", STATUS_OK},
    {"whole lines before a reset",
     "recv\nsend " CHUNKED "6\\r\\na\\nb\\ncd\\r\\n\nsleep 100\nreset", "a|b|", STATUS_REMOTE},
    {"no last chunk", "recv\nsend " CHUNKED "4\\r\\na\\nb\\n\\r\\n", "a|b|", STATUS_REMOTE},
    {"stall", "recv\nsend " CHUNKED "2\\r\\na\\n\\r\\n\nstall", "a|", STATUS_REMOTE},
};

static enum status stream_once(const char *script, struct lines *lines, struct buf *error_body,
                               struct net_response *response)
{
    struct fault_peer peer;
    fault_peer_start(&peer, script);
    enum status status = stream(peer.url, lines, error_body, response);
    fault_peer_stop(&peer);
    return status;
}

static void test_net__streams_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct lines lines = {0};
        struct buf error_body = {0};
        struct net_response response;
        enum status status = stream_once(streams[i].script, &lines, &error_body, &response);
        if (status != streams[i].status || strcmp(buf_text(&lines.text), streams[i].lines) != 0)
            fail_msg("%s: %s, \"%s\"", streams[i].name, status_name(status), buf_text(&lines.text));
        assert_int_equal(error_body.len, 0);
        buf_clear(&lines.text);
    }
}

static void test_net__gives_the_body_of_an_error_status(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct buf error_body = {0};
    struct net_response response;
    assert_ok(stream_once("recv\nanswer 503 text/html <p>\\nbusy", &lines, &error_body, &response));
    assert_int_equal(response.code, 503);
    assert_string_equal(response.content_type, "text/html");
    assert_string_equal(buf_text(&error_body), "<p>\nbusy");
    assert_int_equal(lines.text.len, 0);
    buf_clear(&error_body);
}

static void test_net__stops_at_an_endless_line(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct buf error_body = {0};
    struct net_response response;
    assert_status(stream_once("recv\nsend " OK_HEAD "\\r\\n\nrepeat 100000 "
                              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                              &lines, &error_body, &response),
                  STATUS_MALFORMED);
    assert_int_equal(lines.text.len, 0);
    buf_clear(&lines.text);
}

static void test_net__stops_when_the_reader_has_enough(void **state)
{
    (void)state;
    struct lines lines = {.answer = STATUS_FORMAT};
    struct buf error_body = {0};
    struct net_response response;
    assert_status(stream_once("recv\nsend " CHUNKED "4\\r\\na\\nb\\n\\r\\n\nstall", &lines,
                              &error_body, &response),
                  STATUS_FORMAT);
    assert_string_equal(buf_text(&lines.text), "a|");
    buf_reset(&lines.text);
    lines = (struct lines){.text = lines.text, .n_enough = 1};
    int64_t start_ms = clock_monotonic_ms();
    assert_ok(stream_once("recv\nsend " CHUNKED "4\\r\\na\\nb\\n\\r\\n\nstall", &lines, &error_body,
                          &response));
    assert_true(clock_monotonic_ms() - start_ms < 250);
    assert_int_equal(response.code, 200);
    assert_string_equal(buf_text(&lines.text), "a|");
    buf_clear(&lines.text);
}

/* A server that keeps the connection alive and says nothing has stalled all the same. */
static void test_net__bytes_are_not_progress(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct lines lines = {0};
    struct buf error_body = {0};
    struct net_response response;
    fault_peer_start(&peer,
                     "recv\nsend " OK_HEAD "\\r\\n\nsend a\\n\ntrickle 100 aaaaaaaaaaaaaaaaaaaa");
    assert_status(stream(peer.url, &lines, &error_body, &response), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "sent nothing more within 300 ms"));
    buf_clear(&lines.text);
    fault_peer_stop(&peer);
}

/* --- net_download --- */

struct folder {
    char path[64], file[80];
};

static void folder_init(struct folder *folder)
{
    snprintf(folder->path, sizeof folder->path, "/tmp/ragged-net-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->file, sizeof folder->file, "%s/file", folder->path);
}

/* Fails when anything but `file` is left in the folder. */
static void folder_clear(struct folder *folder)
{
    unlink(folder->file);
    assert_int_equal(rmdir(folder->path), 0);
}

static void count_bytes(void *ctx, uint64_t n_bytes, uint64_t n_total)
{
    assert_int_equal(n_total, 5);
    *(uint64_t *)ctx = n_bytes;
}

static void test_net__downloads_what_has_the_right_hash(void **state)
{
    (void)state;
    struct folder folder;
    struct fault_peer peer;
    char hash[HASH_SHA256_HEX];
    uint64_t n_bytes = 0;
    struct buf found = {0};
    folder_init(&folder);
    hash_sha256_hex("a\0b\nc", 5, hash);
    fault_peer_start(&peer, "recv\nanswer 200 text/plain a\\0b\\nc");
    assert_ok(net_download(peer.url, folder.file, hash, count_bytes, &n_bytes, NULL, &err));
    assert_int_equal(n_bytes, 5);
    assert_ok(file_read(folder.file, 100, &found, &err));
    assert_int_equal(found.len, 5);
    fault_peer_stop(&peer);
    buf_clear(&found);
    folder_clear(&folder);
}

static void test_net__leaves_the_old_file_when_a_download_fails(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum status status;
    } cases[] = {
        {"recv\nanswer 200 text/plain wrong", STATUS_FORMAT},
        {"recv\nanswer 404 text/plain right", STATUS_NOT_FOUND},
        {"recv\nanswer 500 text/plain right", STATUS_REMOTE},
        {"recv\nsend " OK_HEAD "Content-Length: 500\\r\\n\\r\\nright", STATUS_REMOTE},
    };
    struct folder folder;
    char hash[HASH_SHA256_HEX];
    folder_init(&folder);
    hash_sha256_hex("right", 5, hash);
    assert_ok(file_replace(folder.file, "old", 3, 0600, &err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault_peer peer;
        struct buf found = {0};
        fault_peer_start(&peer, cases[i].script);
        assert_status(net_download(peer.url, folder.file, hash, NULL, NULL, NULL, &err),
                      cases[i].status);
        assert_ok(file_read(folder.file, 100, &found, &err));
        assert_string_equal(buf_text(&found), "old");
        buf_clear(&found);
        fault_peer_stop(&peer);
    }
    folder_clear(&folder);
}

static void test_net__knows_loopback(void **state)
{
    (void)state;
    static const char *const inside[] = {"http://127.0.0.1:11434/api", "http://localhost",
                                         "https://[::1]:8080/", "HTTP://LOCALHOST:1/",
                                         "http://u:p@127.1.2.3/"};
    static const char *const outside[] = {"http://127.0.0.1.evil.org/",
                                          "http://127.0.0.1@evil.org/",
                                          "http://10.0.0.1",
                                          "http://[::2]/",
                                          "http://localhost.evil.org",
                                          "ftp://localhost",
                                          "http://",
                                          ""};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        assert_true(net_is_loopback(inside[i]));
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_false(net_is_loopback(outside[i]));
}

#ifdef RAGGED_FAULT
/* Each allocation and each step of a download fails once. */
static void test_net__survives_injected_failures(void **state)
{
    (void)state;
    static const char *const sites[] = {"mem", "net", "file"};
    struct folder folder;
    struct fault_peer peer;
    char hash[HASH_SHA256_HEX];
    folder_init(&folder);
    hash_sha256_hex("x", 1, hash);
    fault_peer_start(&peer, "recv\nanswer 200 text/plain x");
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        enum status status = STATUS_IO;
        int nth;
        for (nth = 1; status; nth++) {
            char plan[32];
            snprintf(plan, sizeof plan, "%s:%d", sites[i], nth);
            fault_plan(plan);
            status = net_download(peer.url, folder.file, hash, NULL, NULL, NULL, &err);
            fault_plan(NULL);
            assert_true(nth < 100);
        }
        assert_true(nth > 2); /* at least one failure was injected */
    }
    fault_peer_stop(&peer);
    folder_clear(&folder);
}

static void test_net__stream_survives_injected_failures(void **state)
{
    (void)state;
    struct fault_peer peer;
    enum status status = STATUS_IO;
    fault_peer_start(&peer, "recv\nanswer 200 text/plain a\\nb");
    for (int nth = 1; status; nth++) {
        struct lines lines = {0};
        struct buf error_body = {0};
        struct net_response response = {.code = -1};
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%d", nth);
        fault_plan(plan);
        status = stream(peer.url, &lines, &error_body, &response);
        status = status ? status : lines.text.failed;
        fault_plan(NULL);
        buf_clear(&lines.text);
        assert_true(nth < 100);
    }
    fault_peer_stop(&peer);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net__fetches_a_body_with_nul_bytes),
        cmocka_unit_test(test_net__sends_what_was_asked),
        cmocka_unit_test(test_net__ends_every_fault_in_its_status),
        cmocka_unit_test(test_net__says_connection_refused),
        cmocka_unit_test(test_net__refuses_other_schemes),
        cmocka_unit_test(test_net__never_shows_the_password_of_a_url),
        cmocka_unit_test(test_net__follows_redirects_only_when_asked_and_never_to_files),
        cmocka_unit_test(test_net__ignores_the_proxy_for_loopback),
        cmocka_unit_test(test_net__cancels_within_a_tenth_of_a_second),
        cmocka_unit_test(test_net__streams_lines),
        cmocka_unit_test(test_net__gives_the_body_of_an_error_status),
        cmocka_unit_test(test_net__stops_at_an_endless_line),
        cmocka_unit_test(test_net__stops_when_the_reader_has_enough),
        cmocka_unit_test(test_net__bytes_are_not_progress),
        cmocka_unit_test(test_net__downloads_what_has_the_right_hash),
        cmocka_unit_test(test_net__leaves_the_old_file_when_a_download_fails),
        cmocka_unit_test(test_net__knows_loopback),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_net__survives_injected_failures),
        cmocka_unit_test(test_net__stream_survives_injected_failures),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
