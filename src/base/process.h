/* base/process.h - a child program with pipes. Fault hook "process.start".
 * Always posix_spawn: a fork() of a process that holds SQLite connections is not safe. */
#ifndef RAGGED_BASE_PROCESS_H
#define RAGGED_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"

struct process {
    pid_t pid;  /* 0: not running */
    int in_fd;  /* write end of the child's stdin, -1 when closed */
    int out_fd; /* read end of the child's stdout, -1 when closed */
};

/* Descriptors: 4,096 where the hard limit allows so many and the soft one is lower. A hint, never
 * an error. */
void process_raise_limits(void);

/* argv[0] is the program (searched in PATH when it has no slash); argv ends with NULL. The child
 * gets stdin and stdout as pipes, stderr as told, and no other descriptor except `extra_fd` (-1:
 * none), which becomes descriptor 3. */
enum process_errors {
    PROCESS_ERRORS_SHOWN,  /* stderr is the parent's */
    PROCESS_ERRORS_QUIET,  /* nobody's */
    PROCESS_ERRORS_OUTPUT, /* the same pipe as stdout */
};
struct process_options {
    const char *const *argv;
    int extra_fd;
    enum process_errors errors;
};
enum status process_start(const struct process_options *options, struct process *out,
                          struct error *err) MUST_USE;

/* Waits up to timeout_ms for bytes from the child: > 0 read into out, 0 end of file, -1 nothing yet
 * (timeout), -2 error (errno). */
ssize_t process_read(struct process *process, void *out, size_t len, int timeout_ms);

/* Closes both pipes, kills the child if it still runs, reaps it. *out_wait_status may be NULL. */
void process_stop(struct process *process, int *out_wait_status);

/* Closes stdin, waits up to timeout_ms for the end, then stops it. True when it ended by itself. */
bool process_wait(struct process *process, int timeout_ms, int *out_wait_status);

/* This process becomes the program at the path argv[0]; returns only when it can't. Descriptors
 * that are not close-on-exec, ignored signals and the terminal stay. */
enum status process_become(char *const *argv, struct error *err) MUST_USE;

/* Runs a program to its end and appends its output (up to out->limit_bytes) to `out`. REMOTE when
 * it ends with another code than 0, CANCELLED on cancel or after timeout_ms. */
enum status process_run(const char *const *argv, enum process_errors errors, int timeout_ms,
                        const struct cancel *cancel, struct buf *out, struct error *err) MUST_USE;

/* The bytes that a line "name:  123 kB" of a file of /proc tells. False: it has no such line. */
bool process_find_bytes(const char *text, const char *name, uint64_t *out);

/* The most resident memory that a running process ever had at once; 0: not known. What getrusage()
 * says begins with the memory of whoever started it. */
uint64_t process_peak_bytes(pid_t pid);

#endif
