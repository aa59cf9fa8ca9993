/* base/fault.h - named places where a test can make the outside world fail.
 *
 * Every seam (allocation, file call, clock, random, network step, process start) asks
 * `fault_hit("class.step")` first. In ordinary builds that is the constant false and costs nothing;
 * with FAULT=1 the plan comes from the environment:
 *
 *     RAGGED_FAULT=file.write:3        the third file.write of the process fails, once
 *     RAGGED_FAULT=mem:17+             the 17th allocation and all after it fail
 *     RAGGED_FAULT=kill@store.commit:2 the process gets SIGKILL at that place
 *     RAGGED_FAULT=eintr@file.read:2   the second file.read is interrupted by a signal
 *     RAGGED_FAULT=short@file.write:1+ no file.write takes more than one byte
 *     RAGGED_FAULT_COUNT=FILE          at exit, "site count" lines are written to FILE
 *
 * A site is matched by its whole name or by everything before a dot ("file" matches all file
 * steps). Counting is per site name, atomic, and the same in every run of a one-threaded scenario.
 */
#ifndef RAGGED_BASE_FAULT_H
#define RAGGED_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef RAGGED_FAULT
/* True when this call must fail. Any thread. */
bool fault_hit(const char *site);

/* The same for system calls: the errno to fail with, `errnum` or EINTR; 0: go on. */
int fault_errno(const char *site, int errnum);
/* How many of `len` bytes the next call may move. */
size_t fault_short(const char *site, size_t len);

/* Replaces the plan (same syntax as the environment; NULL: none) and zeroes all counts; for unit
 * tests. One thread at a time. */
void fault_plan(const char *plan);

/* How often the site (or class) was reached since the last fault_plan(). */
long fault_count(const char *site);
#else
static inline bool fault_hit(const char *site)
{
    (void)site;
    return false;
}
static inline int fault_errno(const char *site, int errnum)
{
    (void)site;
    (void)errnum;
    return 0;
}
static inline size_t fault_short(const char *site, size_t len)
{
    (void)site;
    return len;
}
#endif

#endif
