/* Workers that misbehave cost one file: the right sentence, then the next file parses. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "load/load.h"

static struct error err;

static const char *tool(const char *name)
{
    static char paths[2][512];
    static int i_path;
    const char *build = getenv("RAGGED_BUILD");
    i_path = !i_path;
    snprintf(paths[i_path], sizeof paths[0], "%s/%s", build ? build : "build/release", name);
    return paths[i_path];
}

static enum status parse_words(struct load_worker *worker, struct arena *arena,
                               struct load_document *out)
{
    int fd = memfd_create("document", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "words", 5), 5);
    enum status status = load_parse(worker, fd, "words.txt", NULL, arena, out, &err);
    close(fd);
    return status;
}

struct act {
    const char *how;
    enum status status;
    const char *word; /* in the sentence */
};

static const struct act acts[] = {
    {"crash", STATUS_CRASHED, "crashed"},
    {"forbidden", STATUS_CRASHED, "forbidden"},
    {"exit", STATUS_CRASHED, "ended early (code 7)"},
    {"close", STATUS_CRASHED, "closed its output"},
    {"hang", STATUS_LIMIT, "longer than 2 s"},
    {"spin", STATUS_LIMIT, "processor time"},
    {"flood", STATUS_LIMIT, "more than"},
    {"flood-bytes", STATUS_CRASHED, "malformed"},
    {"records:00", STATUS_CRASHED, "malformed"},         /* no such type */
    {"records:ff00000000", STATUS_CRASHED, "malformed"}, /* no such type */
    {"records:01ffffffff", STATUS_CRASHED, "malformed"}, /* endless */
    {"records:0700000000", STATUS_CRASHED, "order"},     /* END without BEGIN */
    {"records:01040000007465787401040000007465787400", STATUS_CRASHED, "order"},
    {"records:010400000065766963", STATUS_CRASHED, "kind"},              /* "evil" */
    {"records:0104000000746578740700000000", STATUS_CRASHED, "end"},     /* no blocks */
    {"records:010400000074657874030100000000", STATUS_CRASHED, "block"}, /* cut short */
    {"records:010400000074657874030b00000063000000000000000000"
     "41",
     STATUS_CRASHED, "block"}, /* kind 0x63 */
    {"records:010400000074657874030b00000001090000000000000000"
     "41",
     STATUS_CRASHED, "block"}, /* heading of level 9 */
    {"records:010400000074657874030b00000000000000000000000000"
     "ff",
     STATUS_CRASHED, "block"}, /* not UTF-8 */
    {"records:010400000074657874030b000000000000000000000000001b", STATUS_CRASHED, "block"},
    {"records:01040000007465787402010000000a", STATUS_CRASHED, "title"},
    {"records:01040000007465787405010000001b", STATUS_CRASHED, "warning"},
    {"records:01040000007465787404080000000100000002000000", STATUS_CRASHED, "pages"},
    {"records:0104000000746578740800000000", STATUS_CRASHED, "metadata"},
    {"records:0104000000746578740804000000000161"
     "1b",
     STATUS_CRASHED, "metadata"}, /* ESC in the value */
    {"records:0104000000746578740804000000040161"
     "41",
     STATUS_CRASHED, "metadata"}, /* form 4 */
    {"records:0104000000746578740804000000000941"
     "41",
     STATUS_CRASHED, "metadata"}, /* name over the end */
    {"records:010400000074657874080300000000015f", STATUS_CRASHED, "metadata"}, /* "_", no value */
    {"records:0104000000746578740804000000"
     "00015f41",
     STATUS_CRASHED, "metadata"}, /* a name of ours */
    {"records:0104000000746578740804000000"
     "0001ff41",
     STATUS_CRASHED, "metadata"}, /* not UTF-8 */
    {"records:010400000074657874090800000001"
     "00000000000000",
     STATUS_CRASHED, "lines"}, /* of a whole document */
    {"records:0604000000040100"
     "1b",
     STATUS_CRASHED, "failure"},                             /* ESC in the sentence */
    {"records:0603000000000000", STATUS_CRASHED, "failure"}, /* status OK */
    {"records:0604000000630100"
     "41",
     STATUS_CRASHED, "failure"}, /* status 99 */
    {"records:0604000000040500"
     "41",
     STATUS_CRASHED, "failure"},                         /* length over the end */
    {"records:06040000000501006F", STATUS_INVALID, "o"}, /* a proper refusal */
};

static void test_load_hostile__costs_one_file(void **state)
{
    (void)state;
    char mark[] = "/tmp/ragged-fake-XXXXXX";
    assert_non_null(mkdtemp(mark));
    char *mark_path = path_join(mark, "started");
    setenv("RAGGED_FAKE_ONCE", mark_path, 1);
    setenv("RAGGED_FAKE_REAL", tool("ragged-parse"), 1);
    struct load_options options = {
        .worker_path = tool("test/tools/fake_worker"), .pdfium_path = "", .cpu_s = 1};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        options.wall_ms = strcmp(acts[i].how, "hang") == 0 ? 2000 : 100000;
        struct load_worker *worker;
        struct arena arena = {0};
        struct load_document doc = {.kind = "untouched"};
        setenv("RAGGED_FAKE_WORKER", acts[i].how, 1);
        unlink(mark_path);
        assert_ok(load_worker_new(&options, &worker, &err));
        int64_t start_ms = clock_monotonic_ms();
        enum status status = parse_words(worker, &arena, &doc);
        if (status != acts[i].status || !strstr(err.message, acts[i].word))
            fail_msg("\"%s\": %s, \"%s\"", acts[i].how, status_name(status), err.message);
        assert_string_equal(doc.kind, "untouched");
        assert_true(clock_monotonic_ms() - start_ms < 90000);
        if (status != STATUS_INVALID) { /* after a refusal the fake stays in service */
            assert_ok(parse_words(worker, &arena, &doc));
            assert_string_equal(doc.blocks[0].text, "words");
        }
        load_worker_free(worker);
        arena_clear(&arena);
    }
    unlink(mark_path);
    rmdir(mark);
    mem_free(mark_path);
}

/* A whole document and the beginning of another: whatever becomes of the first, the second file
 * gets its own text. */
static void test_load_hostile__cannot_answer_ahead(void **state)
{
    (void)state;
    char mark[] = "/tmp/ragged-fake-XXXXXX";
    assert_non_null(mkdtemp(mark));
    char *mark_path = path_join(mark, "started");
    setenv("RAGGED_FAKE_ONCE", mark_path, 1);
    setenv("RAGGED_FAKE_REAL", tool("ragged-parse"), 1);
    setenv("RAGGED_FAKE_WORKER",
           "records:010400000074657874030b000000000000000000000000004107000000000104000000", 1);
    struct load_options options = {.worker_path = tool("test/tools/fake_worker"),
                                   .pdfium_path = ""};
    struct load_worker *worker;
    struct arena arena = {0};
    struct load_document doc;
    assert_ok(load_worker_new(&options, &worker, &err));
    enum status status = parse_words(worker, &arena, &doc);
    assert_true(status == STATUS_OK || status == STATUS_CRASHED);
    clock_sleep_ms(100);
    assert_ok(parse_words(worker, &arena, &doc));
    assert_string_equal(doc.blocks[0].text, "words");
    load_worker_free(worker);
    arena_clear(&arena);
    unlink(mark_path);
    rmdir(mark);
    mem_free(mark_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_hostile__costs_one_file),
        cmocka_unit_test(test_load_hostile__cannot_answer_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
