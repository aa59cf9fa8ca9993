#include "engine/governor.h"

#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

#define WAIT_MS 50

struct governor {
    size_t budget_bytes;
    bool is_off;
    pthread_mutex_t mutex;
    pthread_cond_t given;
    size_t taken[GOVERNOR_CLASS_COUNT]; /* by mutex */
};

/* Tenths of the budget. The rest of one class is not lent to another: nobody has to be asked back.
 */
static const unsigned share_tenths[GOVERNOR_CLASS_COUNT] = {
    [GOVERNOR_QUERY] = 3, [GOVERNOR_INGEST] = 5, [GOVERNOR_CACHE] = 2};

const char *governor_state_name(enum governor_state state)
{
    static const char *const names[GOVERNOR_STATE_COUNT] = {
        [GOVERNOR_GREEN] = "green",
        [GOVERNOR_YELLOW] = "yellow",
        [GOVERNOR_RED] = "red",
        [GOVERNOR_BLACK] = "black",
    };
    return state < GOVERNOR_STATE_COUNT ? names[state] : "unknown";
}

static size_t machine_bytes(void)
{
    long n_pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return n_pages > 0 && page_bytes > 0 ? (size_t)n_pages * (size_t)page_bytes : (size_t)1 << 30;
}

enum status governor_new(const struct governor_options *options, struct governor **out,
                         struct error *err)
{
    struct governor *governor = mem_zalloc(1, sizeof *governor);
    if (!governor)
        return error_nomem(err);
    governor->budget_bytes = machine_bytes() / 4;
    if (options->max_bytes && options->max_bytes < governor->budget_bytes)
        governor->budget_bytes = options->max_bytes;
    governor->is_off = options->is_off;
    pthread_mutex_init(&governor->mutex, NULL);
    pthread_cond_init(&governor->given, NULL);
    *out = governor;
    return STATUS_OK;
}

void governor_free(struct governor *governor)
{
    if (!governor)
        return;
    pthread_cond_destroy(&governor->given);
    pthread_mutex_destroy(&governor->mutex);
    mem_free(governor);
}

size_t governor_share(const struct governor *governor, enum governor_class class)
{
    return governor->budget_bytes / 10 * share_tenths[class];
}

/* By mutex. One that is above the whole share passes alone. */
static bool has_room(const struct governor *governor, enum governor_class class, size_t n_bytes)
{
    size_t share = governor_share(governor, class), taken = governor->taken[class];
    return governor->is_off || (class == GOVERNOR_INGEST && taken == 0) ||
           (taken <= share && n_bytes <= share - taken);
}

enum status governor_take(struct governor *governor, enum governor_class class, size_t n_bytes,
                          const struct cancel *cancel, struct error *err)
{
    if (!governor->is_off && n_bytes > governor->budget_bytes)
        return error_set(err, STATUS_LIMIT, "it needs %zu bytes of memory, and %zu are allowed",
                         n_bytes, governor->budget_bytes);
    enum status status = STATUS_OK;
    pthread_mutex_lock(&governor->mutex);
    while (!has_room(governor, class, n_bytes) && !status) {
        if (class != GOVERNOR_INGEST)
            status = error_set(err, STATUS_BUSY, "memory is short");
        else if (is_cancelled(cancel))
            status = error_set(err, STATUS_CANCELLED, "stopped while waiting for memory");
        else
            thread_wait(&governor->given, &governor->mutex, WAIT_MS);
    }
    if (!status)
        governor->taken[class] += n_bytes;
    pthread_mutex_unlock(&governor->mutex);
    return status;
}

void governor_give(struct governor *governor, enum governor_class class, size_t n_bytes)
{
    pthread_mutex_lock(&governor->mutex);
    governor->taken[class] -= n_bytes;
    pthread_cond_broadcast(&governor->given);
    pthread_mutex_unlock(&governor->mutex);
}

enum governor_state governor_state(struct governor *governor)
{
    (void)governor;
    return GOVERNOR_GREEN;
}

size_t governor_free_bytes(struct governor *governor, enum governor_class class)
{
    size_t share = governor_share(governor, class);
    pthread_mutex_lock(&governor->mutex);
    size_t taken = governor->taken[class];
    pthread_mutex_unlock(&governor->mutex);
    return taken < share ? share - taken : 0;
}

enum status governor_check_disk(struct governor *governor, uint64_t n_bytes, struct error *err)
{
    (void)governor;
    (void)n_bytes;
    (void)err;
    return STATUS_OK;
}
