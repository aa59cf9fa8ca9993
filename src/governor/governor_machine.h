/* governor/governor_machine.h - the rules of the governor alone: who gets how many bytes, and how
 * short memory is. No clock, no threads, no files: the same events give the same replies.
 * Private to governor/. */
#ifndef RAGGED_GOVERNOR_GOVERNOR_MACHINE_H
#define RAGGED_GOVERNOR_GOVERNOR_MACHINE_H

#include "governor/governor.h"

/* What was seen of the machine. Shares in thousandths; PSI: of the last ten seconds. */
struct governor_sight {
    size_t own_bytes;        /* memory of this process and its children that no file backs */
    unsigned group_permille; /* of the fullest control group, without what can be dropped */
    unsigned some_permille;  /* PSI: somebody waited for memory */
    unsigned full_permille;  /* PSI: everybody did */
};

struct governor_machine {
    size_t budget_bytes;
    bool is_off; /* bytes are counted, nothing is refused */
    size_t taken[GOVERNOR_CLASS_COUNT];
    size_t own_bytes;
    /* By what we hold; by what others hold in a group of ours; by stalls, whoever causes them. Only
     * the second gets better by waiting. */
    enum governor_state inside, outside, stalls;
    int64_t given_ms; /* when ingest last got bytes */
};

enum governor_event_kind {
    GOVERNOR_ASK,    /* n_bytes for class */
    GOVERNOR_RESIZE, /* n_held of class become n_bytes, or as many as there is room for */
    GOVERNOR_GIVE,   /* n_bytes of class come back */
    GOVERNOR_SEE     /* sight */
};
struct governor_event {
    enum governor_event_kind kind;
    enum governor_class class;
    size_t n_bytes, n_held;
    struct governor_sight sight;
};

enum governor_reply {
    GOVERNOR_DONE,
    GOVERNOR_LATER, /* ask again: bytes come back, or the state changes */
    GOVERNOR_NEVER  /* more than its class can ever have */
};

/* *out_bytes: ASK and RESIZE, what the asker holds now; untouched unless DONE. */
enum governor_reply governor_step(struct governor_machine *machine,
                                  const struct governor_event *event, int64_t now_ms,
                                  size_t *out_bytes);

/* What is kept for one class. */
size_t governor_machine_share(const struct governor_machine *machine, enum governor_class class);
/* What one class could get now. */
size_t governor_machine_room(const struct governor_machine *machine, enum governor_class class);
/* The worst of the three. */
enum governor_state governor_machine_state(const struct governor_machine *machine);

/* While memory is short for others, ingest gets one job in so many milliseconds. */
#define GOVERNOR_PAUSE_MS 1000

#endif
