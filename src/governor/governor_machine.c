#include "governor/governor_machine.h"

#include "base/checked.h"

/* Tenths of the budget; ingest may have the rest of the caches' too. */
static const unsigned share_tenths[GOVERNOR_CLASS_COUNT] = {
    [GOVERNOR_QUERY] = 3, [GOVERNOR_INGEST] = 5, [GOVERNOR_CACHE] = 2};

struct level {
    unsigned enter_permille, leave_permille;
};
static const struct level use_levels[GOVERNOR_STATE_COUNT] = {
    [GOVERNOR_YELLOW] = {700, 650}, [GOVERNOR_RED] = {850, 800}, [GOVERNOR_BLACK] = {950, 900}};
#define SOME_ENTER 100
#define SOME_LEAVE 50
#define FULL_ENTER 50
#define FULL_LEAVE 25

size_t governor_machine_share(const struct governor_machine *machine, enum governor_class class)
{
    return machine->budget_bytes / 10 * share_tenths[class];
}

static size_t taken_by_all(const struct governor_machine *machine)
{
    size_t sum = 0;
    for (int class = 0; class < GOVERNOR_CLASS_COUNT; class ++)
        sum += machine->taken[class];
    return sum;
}

static size_t less(size_t from, size_t by)
{
    return from > by ? from - by : 0;
}

/* Of what is kept for queries, the part that none has taken yet. */
static size_t kept_for_queries(const struct governor_machine *machine)
{
    return less(governor_machine_share(machine, GOVERNOR_QUERY), machine->taken[GOVERNOR_QUERY]);
}

size_t governor_machine_room(const struct governor_machine *machine, enum governor_class class)
{
    size_t left = less(machine->budget_bytes, taken_by_all(machine));
    if (class == GOVERNOR_QUERY)
        return left;
    left = less(left, kept_for_queries(machine));
    if (class == GOVERNOR_INGEST)
        return left;
    return size_min(left, less(governor_machine_share(machine, class), machine->taken[class]));
}

enum governor_state governor_machine_state(const struct governor_machine *machine)
{
    enum governor_state worst = machine->inside;
    worst = worst > machine->outside ? worst : machine->outside;
    return worst > machine->stalls ? worst : machine->stalls;
}

static enum governor_state state_by_use(unsigned use_permille, enum governor_state now)
{
    int state = GOVERNOR_BLACK;
    while (state > GOVERNOR_GREEN &&
           use_permille < (state <= (int)now ? use_levels[state].leave_permille
                                             : use_levels[state].enter_permille))
        state--;
    return (enum governor_state)state;
}

static enum governor_state state_by_stalls(const struct governor_sight *sight,
                                           enum governor_state now)
{
    if (sight->full_permille >= (now >= GOVERNOR_RED ? FULL_LEAVE : FULL_ENTER))
        return GOVERNOR_RED;
    if (sight->some_permille >= (now >= GOVERNOR_YELLOW ? SOME_LEAVE : SOME_ENTER))
        return GOVERNOR_YELLOW;
    return GOVERNOR_GREEN;
}

/* Tokens count before their bytes are touched, memory that nobody took tokens for once it is. */
static void see_inside(struct governor_machine *machine)
{
    size_t use = size_max(taken_by_all(machine), machine->own_bytes);
    size_t budget = size_max(1, machine->budget_bytes);
    unsigned permille = use >= budget ? 1000 : (unsigned)((double)use * 1000.0 / (double)budget);
    machine->inside = state_by_use(permille, machine->inside);
}

/* A group that we fill ourselves is not waited for: it would never get better. */
static void see_outside(struct governor_machine *machine, const struct governor_sight *sight)
{
    bool is_others = sight->own_bytes <= machine->budget_bytes;
    machine->outside = state_by_use(is_others ? sight->group_permille : 0, machine->outside);
    machine->stalls = state_by_stalls(sight, machine->stalls);
}

/* Whoever has nothing under way can't make memory free by waiting for itself. */
static bool may_begin(const struct governor_machine *machine, int64_t now_ms)
{
    if (machine->outside == GOVERNOR_BLACK)
        return false;
    if (machine->outside == GOVERNOR_RED)
        return machine->taken[GOVERNOR_INGEST] == 0 &&
               now_ms - machine->given_ms >= GOVERNOR_PAUSE_MS;
    return (machine->inside < GOVERNOR_RED && machine->stalls < GOVERNOR_RED) ||
           machine->taken[GOVERNOR_INGEST] == 0;
}

/* More than its share passes alone, and no more than what queries and caches leave. */
static size_t most(const struct governor_machine *machine, enum governor_class class)
{
    if (class == GOVERNOR_CACHE)
        return governor_machine_share(machine, class);
    return machine->budget_bytes -
           (class == GOVERNOR_QUERY ? 0 : governor_machine_share(machine, GOVERNOR_QUERY));
}

static enum governor_reply ask(struct governor_machine *machine, enum governor_class class,
                               size_t n_bytes, int64_t now_ms, size_t *out_bytes)
{
    if (!machine->is_off) {
        if (n_bytes > most(machine, class))
            return GOVERNOR_NEVER;
        if (n_bytes > governor_machine_room(machine, class))
            return GOVERNOR_LATER;
        if (class == GOVERNOR_INGEST && !may_begin(machine, now_ms))
            return GOVERNOR_LATER;
        if (class == GOVERNOR_CACHE && governor_machine_state(machine) >= GOVERNOR_RED)
            return GOVERNOR_LATER;
    }
    if (class == GOVERNOR_INGEST)
        machine->given_ms = now_ms;
    machine->taken[class] += n_bytes;
    *out_bytes = n_bytes;
    return GOVERNOR_DONE;
}

static void resize(struct governor_machine *machine, const struct governor_event *event,
                   size_t *out_bytes)
{
    machine->taken[event->class] -= event->n_held;
    size_t n_bytes = event->n_bytes;
    if (!machine->is_off && n_bytes > event->n_held)
        n_bytes = size_max(event->n_held,
                           size_min(n_bytes, governor_machine_room(machine, event->class)));
    machine->taken[event->class] += n_bytes;
    *out_bytes = n_bytes;
}

enum governor_reply governor_step(struct governor_machine *machine,
                                  const struct governor_event *event, int64_t now_ms,
                                  size_t *out_bytes)
{
    enum governor_reply reply = GOVERNOR_DONE;
    switch (event->kind) {
    case GOVERNOR_ASK:
        reply = ask(machine, event->class, event->n_bytes, now_ms, out_bytes);
        break;
    case GOVERNOR_RESIZE:
        resize(machine, event, out_bytes);
        break;
    case GOVERNOR_GIVE:
        machine->taken[event->class] -= event->n_bytes;
        break;
    case GOVERNOR_SEE:
        machine->own_bytes = event->sight.own_bytes;
        see_outside(machine, &event->sight);
        break;
    }
    see_inside(machine);
    return reply;
}
