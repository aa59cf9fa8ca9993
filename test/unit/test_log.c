/* The log: whole lines, nothing lost uncounted, no caller kept waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../testing.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_ring.h"
#include "base/mem.h"
#include "base/thread.h"

#define N_THREADS 4
#define N_LINES 250000

static char folder[64], path[128];

static struct log_options options_of(enum log_format format)
{
    return (struct log_options){.path = path, .level = LOG_LEVEL_DEBUG, .format = format};
}

static int clean(void **state)
{
    (void)state;
    log_close();
    if (folder_remove(folder, NULL) || folder_make(folder, NULL))
        return 1;
    return 0;
}

static void read_log(struct buf *out)
{
    struct error err = {0};
    assert_ok(file_read(path, 64 << 20, out, &err));
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

static void lines_are_json(void **state)
{
    (void)state;
    struct error err = {0};
    struct log_options options = options_of(LOG_FORMAT_JSON);
    assert_ok(log_open(&options, &err));
    LOG(LOG_EVENT_SEARCHED, {LOG_KEY_TOOK_US, 1234}, {LOG_KEY_STATUS, STATUS_OK});
    LOG(LOG_EVENT_FILE_FAILED, {LOG_KEY_STATUS, STATUS_FORMAT});
    log_close();
    struct buf text = {0};
    read_log(&text);
    const char *line = buf_text(&text);
    assert_int_equal(count_of(line, "\n"), 2);
    json_t *object = NULL;
    assert_ok(json_parse(line, (size_t)(strchr(line, '\n') - line), &object, &err));
    assert_string_equal(json_get_text(object, "event", ""), "searched");
    assert_string_equal(json_get_text(object, "level", ""), "info");
    assert_string_equal(json_get_text(object, "status", ""), "ok");
    assert_int_equal(strlen(json_get_text(object, "ts", "")), 24);
    assert_int_equal(json_integer_value(json_object_get(object, "took_us")), 1234);
    json_decref(object);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    buf_clear(&text);
}

static void lines_are_text(void **state)
{
    (void)state;
    struct error err = {0};
    struct log_options options = options_of(LOG_FORMAT_TEXT);
    assert_ok(log_open(&options, &err));
    LOG(LOG_EVENT_ADDED, {LOG_KEY_ADDED, 3});
    log_close();
    struct buf text = {0};
    read_log(&text);
    assert_non_null(strstr(buf_text(&text), "Z info  added run="));
    assert_non_null(strstr(buf_text(&text), " added=3\n"));
    buf_clear(&text);
}

static void levels_are_kept(void **state)
{
    (void)state;
    struct error err = {0};
    struct log_options options = options_of(LOG_FORMAT_TEXT);
    options.level = LOG_LEVEL_WARN;
    assert_ok(log_open(&options, &err));
    LOG(LOG_EVENT_ADDED, {LOG_KEY_ADDED, 3});
    LOG(LOG_EVENT_FILE_FAILED, {LOG_KEY_STATUS, STATUS_IO});
    log_close();
    struct buf text = {0};
    read_log(&text);
    assert_int_equal(count_of(buf_text(&text), "\n"), 1);
    buf_clear(&text);
    LOG(LOG_EVENT_ADDED, {LOG_KEY_ADDED, 3}); /* closed: nothing happens */
    assert_int_equal(log_counts().n_written, 0);
}

/* Sums the counts that lines about what was left out tell. */
static size_t told_in(const char *text)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "\"count\":")); at++)
        n += strtoull(at + strlen("\"count\":"), NULL, 10);
    return n;
}

/* A line a microsecond of one event is mostly suppressed; the sum must be what was offered. */
static void every_line_is_written_or_counted(void **state)
{
    (void)state;
    struct error err = {0};
    struct log_options options = options_of(LOG_FORMAT_JSON);
    assert_ok(log_open(&options, &err));
    for (int i = 0; i < N_LINES; i++)
        LOG(LOG_EVENT_SEARCHED, {LOG_KEY_TOOK_US, i});
    struct log_counts counts = log_counts();
    log_close();
    struct buf text = {0};
    read_log(&text);
    size_t n_written = count_of(buf_text(&text), "\"event\":\"searched\"");
    assert_int_equal(n_written + told_in(buf_text(&text)), N_LINES);
    assert_true(n_written >= LOG_RATE_MAX && n_written < 100);
    assert_true(counts.n_suppressed == N_LINES - n_written);
    buf_clear(&text);
}

static const enum log_event offered_events[] = {LOG_EVENT_SEARCHED, LOG_EVENT_ADDED,
                                                LOG_EVENT_ANSWERED, LOG_EVENT_MAINTAINED,
                                                LOG_EVENT_FILE_FAILED};
#define N_OFFERED_EVENTS (sizeof offered_events / sizeof offered_events[0])

static void *offer_lines(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < N_LINES; i++)
        LOG(offered_events[i % N_OFFERED_EVENTS], {LOG_KEY_TOOK_US, (int64_t)i});
    return NULL;
}

static void threads_together_lose_nothing_unseen(void **state)
{
    (void)state;
    struct error err = {0};
    struct log_options options = options_of(LOG_FORMAT_JSON);
    pthread_t threads[N_THREADS];
    assert_ok(log_open(&options, &err));
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, offer_lines, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    log_close();
    struct buf text = {0};
    read_log(&text);
    size_t n_written = 0;
    for (size_t i = 0; i < N_OFFERED_EVENTS; i++) {
        char word[64];
        snprintf(word, sizeof word, "\"event\":\"%s\",\"run\"",
                 log_event_row(offered_events[i])->name);
        n_written += count_of(buf_text(&text), word);
    }
    assert_int_equal(n_written + told_in(buf_text(&text)), (size_t)N_THREADS * N_LINES);
    assert_true(n_written >= N_OFFERED_EVENTS * LOG_RATE_MAX);
    buf_clear(&text);
}

static void *offer(void *arg)
{
    struct log_ring *ring = arg;
    size_t n_lost = 0;
    for (int64_t i = 0; i < N_LINES; i++)
        n_lost +=
            !log_ring_push(ring, &(struct log_line){.wall_ms = i, .facts = {{LOG_KEY_ADDED, i}}});
    return (void *)n_lost;
}

static void the_ring_loses_nothing_unseen(void **state)
{
    (void)state;
    struct log_ring *ring = mem_zalloc(1, sizeof *ring);
    assert_non_null(ring);
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, offer, ring), 0);
    size_t n_popped = 0, n_lost = 0, n_idle = 0;
    struct log_line line;
    while (n_idle < 200) {
        bool has_line = log_ring_pop(ring, &line);
        n_popped += has_line;
        n_idle = has_line ? 0 : n_idle + 1;
        if (has_line)
            assert_int_equal(line.wall_ms, line.facts[0].value);
        else
            clock_sleep_ms(1);
    }
    for (int i = 0; i < N_THREADS; i++) {
        void *lost;
        pthread_join(threads[i], &lost);
        n_lost += (size_t)lost;
    }
    while (log_ring_pop(ring, &line)) /* of a thread that was kept waiting */
        n_popped++;
    assert_int_equal(n_popped + n_lost, (size_t)N_THREADS * N_LINES);
    mem_free(ring);
}

#define SMALL_BYTES 2000

static struct log_options small_files(void)
{
    struct log_options options = options_of(LOG_FORMAT_TEXT);
    options.limit_bytes = SMALL_BYTES;
    options.n_kept = 3;
    return options;
}

static void write_from_child(void)
{
    struct log_options options = small_files();
    for (int i = 0; i < 20; i++) {
        if (log_open(&options, NULL))
            _exit(1);
        for (int j = 0; j < 8; j++)
            LOG(LOG_EVENT_ADDED, {LOG_KEY_ADDED, j}, {LOG_KEY_CHUNKS, i});
        log_close();
    }
    _exit(0);
}

static void files_are_turned_over_by_processes_together(void **state)
{
    (void)state;
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        if ((pids[i] = fork()) == 0)
            write_from_child();
    for (int i = 0; i < 3; i++) {
        int wait_status = 0;
        waitpid(pids[i], &wait_status, 0);
        assert_int_equal(wait_status, 0);
    }
    struct stat info;
    struct error err = {0};
    char old[160];
    /* Whoever meets one that is being turned over writes on; the next one turns that over. */
    struct log_options options = small_files();
    assert_ok(log_open(&options, &err));
    LOG(LOG_EVENT_ADDED, {LOG_KEY_ADDED, 1}, {LOG_KEY_CHUNKS, 1});
    log_close();
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size < SMALL_BYTES + 400);
    for (int i = 0; i <= 3; i++) {
        snprintf(old, sizeof old, i ? "%s.%d" : "%s", path, i);
        assert_int_equal(stat(old, &info), 0);
        struct buf text = {0};
        assert_ok(file_read(old, 1 << 20, &text, &err));
        assert_true(text.len == 0 || buf_text(&text)[text.len - 1] == '\n');
        assert_int_equal(count_of(buf_text(&text), "\n"), count_of(buf_text(&text), " added run="));
        buf_clear(&text);
    }
    snprintf(old, sizeof old, "%s.4", path);
    assert_int_not_equal(stat(old, &info), 0);
}

static void a_log_that_cannot_be_opened_is_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    struct log_options options = options_of(LOG_FORMAT_TEXT);
    options.path = "/nowhere/ragged.log";
    assert_true(log_open(&options, &err) != STATUS_OK);
    assert_non_null(strstr(err.message, "/nowhere/ragged.log"));
    options.path = path;
    assert_ok(log_open(&options, &err));
    assert_status(log_open(&options, &err), STATUS_BUSY);
}

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/ragged-log-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/ragged.log", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lines_are_json, clean),
        cmocka_unit_test_teardown(lines_are_text, clean),
        cmocka_unit_test_teardown(levels_are_kept, clean),
        cmocka_unit_test_teardown(every_line_is_written_or_counted, clean),
        cmocka_unit_test_teardown(threads_together_lose_nothing_unseen, clean),
        cmocka_unit_test_teardown(the_ring_loses_nothing_unseen, clean),
        cmocka_unit_test_teardown(files_are_turned_over_by_processes_together, clean),
        cmocka_unit_test_teardown(a_log_that_cannot_be_opened_is_an_error, clean),
    };
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    return folder_remove(folder, NULL) ? 1 : n_failed;
}
