#include "governor/governor.h"

#include <pthread.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/mem.h"
#include "governor/disk_reserve.h"
#include "governor/governor_machine.h"
#include "governor/pressure.h"

#define LOOK_MS 100

struct governor {
    struct pressure *pressure; /* owned; by mutex */
    char *data_folder;         /* owned; NULL: none */
    uint64_t reserve_bytes;
    pthread_mutex_t mutex;
    struct governor_machine machine; /* by mutex; its budget does not change */
    int64_t looked_ms;               /* by mutex */
};

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

static size_t choose_budget(const struct pressure *pressure, size_t max_bytes)
{
    size_t budget = pressure_machine_bytes(pressure) / 4;
    budget = size_min(budget, pressure_group_bytes(pressure) / 2);
    return max_bytes ? size_min(budget, max_bytes) : budget;
}

enum status governor_new(const struct governor_options *options, struct governor **out,
                         struct error *err)
{
    struct governor *governor = mem_zalloc(1, sizeof *governor);
    if (!governor)
        return error_nomem(err);
    pthread_mutex_init(&governor->mutex, NULL);
    governor->reserve_bytes = options->reserve_bytes;
    governor->data_folder = mem_text(options->data_folder);
    enum status status =
        options->data_folder && !governor->data_folder
            ? error_nomem(err)
            : pressure_new(options->root ? options->root : "", &governor->pressure, err);
    if (status) {
        governor_free(governor);
        return status;
    }
    governor->machine = (struct governor_machine){
        .budget_bytes = choose_budget(governor->pressure, options->max_bytes),
        .is_off = options->is_off,
        .given_ms = -GOVERNOR_PAUSE_MS,
    };
    *out = governor;
    return STATUS_OK;
}

void governor_free(struct governor *governor)
{
    if (!governor)
        return;
    pressure_free(governor->pressure);
    pthread_mutex_destroy(&governor->mutex);
    mem_free(governor->data_folder);
    mem_free(governor);
}

/* By mutex. */
static void look(struct governor *governor, int64_t now_ms)
{
    if (governor->machine.is_off || now_ms - governor->looked_ms < LOOK_MS)
        return;
    struct governor_event event = {.kind = GOVERNOR_SEE};
    pressure_look(governor->pressure, &event.sight);
    governor->looked_ms = now_ms;
    (void)governor_step(&governor->machine, &event, now_ms, NULL);
}

/* By mutex. */
static enum governor_reply step(struct governor *governor, const struct governor_event *event,
                                size_t *out_bytes)
{
    int64_t now_ms = clock_monotonic_ms();
    look(governor, now_ms);
    return governor_step(&governor->machine, event, now_ms, out_bytes);
}

static enum governor_reply step_once(struct governor *governor, const struct governor_event *event,
                                     size_t *out_bytes)
{
    pthread_mutex_lock(&governor->mutex);
    enum governor_reply reply = step(governor, event, out_bytes);
    pthread_mutex_unlock(&governor->mutex);
    return reply;
}

bool governor_try(struct governor *governor, enum governor_class class, size_t n_bytes)
{
    size_t n_taken;
    return step_once(
               governor,
               &(struct governor_event){.kind = GOVERNOR_ASK, .class = class, .n_bytes = n_bytes},
               &n_taken) == GOVERNOR_DONE;
}

size_t governor_resize(struct governor *governor, enum governor_class class, size_t n_held,
                       size_t n_bytes)
{
    size_t n_taken = n_held;
    (void)step_once(
        governor,
        &(struct governor_event){
            .kind = GOVERNOR_RESIZE, .class = class, .n_held = n_held, .n_bytes = n_bytes},
        &n_taken);
    return n_taken;
}

void governor_give(struct governor *governor, enum governor_class class, size_t n_bytes)
{
    (void)step_once(
        governor,
        &(struct governor_event){.kind = GOVERNOR_GIVE, .class = class, .n_bytes = n_bytes}, NULL);
}

enum governor_state governor_state(struct governor *governor)
{
    pthread_mutex_lock(&governor->mutex);
    look(governor, clock_monotonic_ms());
    enum governor_state state = governor_machine_state(&governor->machine);
    pthread_mutex_unlock(&governor->mutex);
    return state;
}

size_t governor_budget(const struct governor *governor)
{
    return governor->machine.budget_bytes;
}

size_t governor_share(const struct governor *governor, enum governor_class class)
{
    return governor_machine_share(&governor->machine, class);
}

size_t governor_free_bytes(struct governor *governor, enum governor_class class)
{
    pthread_mutex_lock(&governor->mutex);
    size_t room = governor_machine_room(&governor->machine, class);
    pthread_mutex_unlock(&governor->mutex);
    return room;
}

size_t governor_taken(struct governor *governor)
{
    size_t sum = 0;
    pthread_mutex_lock(&governor->mutex);
    for (int class = 0; class < GOVERNOR_CLASS_COUNT; class ++)
        sum += governor->machine.taken[class];
    pthread_mutex_unlock(&governor->mutex);
    return sum;
}

size_t governor_thread_share(const struct governor *governor, unsigned n_threads)
{
    return governor_share(governor, GOVERNOR_INGEST) / 4 / size_max(1, n_threads);
}

enum status governor_check_disk(struct governor *governor, uint64_t n_bytes, uint64_t largest_bytes,
                                struct error *err)
{
    if (governor->machine.is_off || !governor->data_folder)
        return STATUS_OK;
    return disk_reserve_check(governor->data_folder, governor->reserve_bytes, n_bytes,
                              largest_bytes, err);
}
