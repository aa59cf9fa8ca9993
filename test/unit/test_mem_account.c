#include "../testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/memory_watch.h"
#include "base/buf.h"
#include "base/code.h"
#include "base/mem.h"
#include "base/mem_account.h"

/* Not inlined: the place that is booked is a function. */
static __attribute__((noinline)) void *leak(size_t size_bytes)
{
    void *p = mem_alloc(size_bytes);
    assert_non_null(p);
    return p;
}

static void test_account__a_leak_is_told_with_its_place(void **state)
{
    struct mem_account *account = NULL;
    struct error err = {0};
    struct mem_site *sites = NULL;
    struct code_symbols *symbols = NULL;
    size_t n = 0, n_left = 0, offset = 0;
    (void)state;
    assert_ok(mem_account_new(&account, &err));
    mem_account_begin(account);
    void *kept = leak(12345), *back = leak(500);
    mem_free(back);
    mem_account_end(account);
    assert_ok(mem_account_sites(account, &sites, &n, &err));
    assert_ok(code_symbols_open(&symbols, &err));
    for (size_t i = 0; i < n; i++) {
        if (sites[i].count.n_current == 0)
            continue;
        n_left++;
        assert_int_equal(sites[i].count.current_bytes, 12345);
        assert_int_equal(sites[i].count.peak_bytes, 12845);
        assert_int_equal(sites[i].count.n_blocks, 2);
        assert_string_equal(code_symbols_find(symbols, sites[i].address, &offset), "leak");
        assert_string_equal(code_file_path(code_file_find(sites[i].address)),
                            "test/unit/test_mem_account.c");
    }
    assert_int_equal(n_left, 1);
    struct mem_count total;
    mem_account_total(account, &total);
    assert_int_equal(total.current_bytes, 12345);
    assert_int_equal(total.n_current, 1);
    mem_free(kept);
    mem_free(sites);
    code_symbols_close(symbols);
    mem_account_free(account);
}

/* What base/ takes for somebody is somebody's. */
static void test_account__buffers_belong_to_who_fills_them(void **state)
{
    struct mem_account *account = NULL;
    struct error err = {0};
    struct buf text = {0};
    (void)state;
    assert_ok(mem_account_new(&account, &err));
    mem_account_begin(account);
    for (int i = 0; i < 1000; i++)
        buf_append_text(&text, "0123456789");
    mem_account_end(account);
    for (size_t i = 0; i < mem_account_subsystems(account); i++) {
        struct mem_subsystem subsystem;
        mem_account_subsystem(account, i, &subsystem);
        if (strcmp(subsystem.name, "unit") == 0)
            assert_true(subsystem.count.current_bytes >= 10000);
        else
            assert_int_equal(subsystem.count.n_blocks, 0);
    }
    buf_clear(&text);
    mem_account_free(account);
}

static void test_account__what_is_older_is_not_its_business(void **state)
{
    struct mem_account *account = NULL;
    struct error err = {0};
    struct mem_count total;
    void *older = mem_alloc(100), *old = mem_alloc(100);
    (void)state;
    assert_ok(mem_account_new(&account, &err));
    mem_account_begin(account);
    mem_free(older);
    void *grown = mem_resize(old, 1, 1000);
    assert_non_null(grown);
    grown = mem_resize(grown, 1, 3000);
    assert_non_null(grown);
    mem_account_total(account, &total);
    assert_int_equal(total.current_bytes, 3000);
    mem_free(grown);
    mem_account_end(account);
    mem_account_total(account, &total);
    assert_int_equal(total.current_bytes, 0);
    assert_int_equal(total.peak_bytes, 3000);
    assert_int_equal(mem_account_take_high(account), 3000);
    assert_int_equal(mem_account_size_class(account, 10), 1);
    assert_int_equal(mem_account_size_class(account, 12), 1);
    mem_account_free(account);
}

enum { N_THREADS = 4, N_STEPS = 20000, N_HELD = 64 };

static void *churn(void *arg)
{
    void *held[N_HELD] = {NULL};
    unsigned seed = *(unsigned *)arg;
    for (int i = 0; i < N_STEPS; i++) {
        seed = seed * 1103515245u + 12345u;
        void **slot = &held[(seed >> 16) % N_HELD];
        if (*slot && seed & 0x100) {
            void *grown = mem_resize(*slot, 1, (seed >> 8) % 4000 + 1);
            *slot = grown ? grown : *slot;
        } else {
            mem_free(*slot);
            *slot = mem_alloc((seed >> 8) % 2000);
        }
    }
    for (int i = 0; i < N_HELD; i++)
        mem_free(held[i]);
    return NULL;
}

static void test_account__threads_leave_nothing(void **state)
{
    struct mem_account *account = NULL;
    struct error err = {0};
    pthread_t threads[N_THREADS];
    unsigned seeds[N_THREADS] = {1, 2, 3, 4};
    struct mem_count total;
    (void)state;
    assert_ok(mem_account_new(&account, &err));
    mem_account_begin(account);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    mem_account_end(account);
    mem_account_total(account, &total);
    assert_int_equal(total.current_bytes, 0);
    assert_int_equal(total.n_current, 0);
    assert_true(total.n_blocks >= N_THREADS * N_STEPS);
    assert_int_equal(mem_account_missed(account), 0);
    mem_account_free(account);
}

static void test_code__files_are_in_the_order_of_their_code(void **state)
{
    char room[8];
    (void)state;
    assert_true(code_file_count() > 5);
    size_t file = code_file_find((const char *)(uintptr_t)mem_alloc + 1);
    assert_string_equal(code_file_path(file), "src/base/mem.c");
    code_file_room(file, room, sizeof room);
    assert_string_equal(room, "base");
    file = code_file_find((const char *)(uintptr_t)buf_printf + 1);
    assert_string_equal(code_file_path(file), "src/base/buf.c");
    assert_true(code_file_find((const void *)(uintptr_t)malloc) == CODE_FILE_NONE);
    assert_true(code_file_find(NULL) == CODE_FILE_NONE);
}

static void test_maps__files_and_stacks(void **state)
{
    static const char text[] =
        "5500-5600 r-xp 00000000 08:01 77   /usr/bin/a b\nSize: 4 kB\nRss: 8 kB\n"
        "5600-5700 rw-p 00000000 00:00 0    [heap]\nRss: 100 kB\n"
        "7000-8000 ---p 00000000 00:00 0 \nRss: 0 kB\n"
        "8000-9000 rw-p 00000000 00:00 0 \nRss: 16 kB\n"
        "9000-a000 rw-p 00000000 00:00 0 \nRss: 32 kB\n"
        "b000-c000 rw-p 00000000 00:00 0    [stack]\nRss: 12 kB\n"
        "nonsense\nRss:\n";
    uint64_t files = 1, stacks = 1;
    (void)state;
    memory_watch_read_maps(text, &files, &stacks);
    assert_int_equal(files, 8 * 1024);
    assert_int_equal(stacks, 28 * 1024);
    memory_watch_read_maps("", &files, &stacks);
    assert_int_equal(files + stacks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account__a_leak_is_told_with_its_place),
        cmocka_unit_test(test_account__buffers_belong_to_who_fills_them),
        cmocka_unit_test(test_account__what_is_older_is_not_its_business),
        cmocka_unit_test(test_account__threads_leave_nothing),
        cmocka_unit_test(test_code__files_are_in_the_order_of_their_code),
        cmocka_unit_test(test_maps__files_and_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
