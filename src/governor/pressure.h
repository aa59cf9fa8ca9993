/* governor/pressure.h - how much memory there is and how much of it is gone: the machine, the
 * control groups this process is in (version 1 and 2, all parents), stalls, and the process itself.
 *
 * What can't be read counts as unlimited and unused. One thread at a time. Private to governor/. */
#ifndef RAGGED_GOVERNOR_PRESSURE_H
#define RAGGED_GOVERNOR_PRESSURE_H

#include "governor/governor_machine.h"

struct pressure;

/* `root` stands before /proc and /sys and is "" but in tests. Groups that have a limit now are
 * watched from then on. */
enum status pressure_new(const char *root, struct pressure **out, struct error *err) MUST_USE;
void pressure_free(struct pressure *pressure); /* NULL is fine */

/* The smallest limit of a group; SIZE_MAX: none. */
size_t pressure_group_bytes(const struct pressure *pressure);
size_t pressure_machine_bytes(const struct pressure *pressure);

void pressure_look(const struct pressure *pressure, struct governor_sight *out);

#endif
