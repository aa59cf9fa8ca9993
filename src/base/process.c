#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"

extern char **environ;

#define FILES_WANTED 4096

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The child keeps descriptors 0, 1, 2 and perhaps 3; all of ours are close-on-exec. */
static int add_actions(posix_spawn_file_actions_t *actions, int child_in, int child_out,
                       const struct process_options *options)
{
    int rc = posix_spawn_file_actions_adddup2(actions, child_in, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, child_out, 1);
    if (!rc && options->errors == PROCESS_ERRORS_QUIET)
        rc = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    if (!rc && options->errors == PROCESS_ERRORS_OUTPUT)
        rc = posix_spawn_file_actions_adddup2(actions, 1, 2);
    if (!rc && options->extra_fd >= 0)
        rc = posix_spawn_file_actions_adddup2(actions, options->extra_fd, 3);
    return rc;
}

static int set_signals(posix_spawnattr_t *attr)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (!rc)
        rc = posix_spawnattr_setsigdefault(attr, &defaults);
    if (!rc)
        rc = posix_spawnattr_setpgroup(attr, 0); /* Ctrl-C at the terminal is ours to pass on */
    if (!rc)
        rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                POSIX_SPAWN_SETPGROUP);
    return rc;
}

static int spawn(const struct process_options *options, int child_in, int child_out, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (!rc) {
        rc = add_actions(&actions, child_in, child_out, options);
        if (!rc)
            rc = set_signals(&attr);
        if (!rc)
            rc = posix_spawnp(out_pid, options->argv[0], &actions, &attr,
                              (char *const *)(uintptr_t)options->argv, environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

enum status process_start(const struct process_options *options, struct process *out,
                          struct error *err)
{
    int to_child[2] = {-1, -1}, from_child[2] = {-1, -1};
    pid_t pid = 0;
    int rc = fault_hit("process.start") ? EAGAIN : 0;
    if (!rc && (pipe2(to_child, O_CLOEXEC) || pipe2(from_child, O_CLOEXEC)))
        rc = errno;
    if (!rc)
        rc = spawn(options, to_child[0], from_child[1], &pid);
    close_fd(&to_child[0]);
    close_fd(&from_child[1]);
    if (rc) {
        close_fd(&to_child[1]);
        close_fd(&from_child[0]);
        return error_errno(err, rc, "could not start \"%s\"", options->argv[0]);
    }
    *out = (struct process){.pid = pid, .in_fd = to_child[1], .out_fd = from_child[0]};
    return STATUS_OK;
}

ssize_t process_read(struct process *process, void *out, size_t len, int timeout_ms)
{
    struct pollfd p = {.fd = process->out_fd, .events = POLLIN};
    int rc = poll(&p, 1, timeout_ms);
    if (rc == 0 || (rc < 0 && errno == EINTR))
        return -1;
    if (rc < 0)
        return -2;
    ssize_t n = read(process->out_fd, out, len);
    return n >= 0 ? n : errno == EINTR || errno == EAGAIN ? -1 : -2;
}

static void reap(struct process *process, int *out_wait_status)
{
    int wait_status = 0;
    while (waitpid(process->pid, &wait_status, 0) < 0 && errno == EINTR)
        ;
    process->pid = 0;
    if (out_wait_status)
        *out_wait_status = wait_status;
}

void process_stop(struct process *process, int *out_wait_status)
{
    if (process->pid == 0)
        return;
    close_fd(&process->in_fd);
    close_fd(&process->out_fd);
    kill(process->pid, SIGKILL);
    reap(process, out_wait_status);
}

/* True when the child has ended; it is still to be reaped. */
static bool await_end(pid_t pid, int timeout_ms)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    int fd = pidfd_open(pid, 0); /* -1 on an old kernel: poll() passes over it */
    struct pollfd p = {.fd = fd, .events = POLLIN};
    siginfo_t info = {0};
    for (;;) {
        int rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (rc || info.si_pid == pid || left_ms <= 0)
            break;
        (void)poll(&p, 1, fd >= 0 ? (int)left_ms : 1);
    }
    close_fd(&fd);
    return info.si_pid == pid;
}

bool process_wait(struct process *process, int timeout_ms, int *out_wait_status)
{
    if (process->pid == 0)
        return true;
    close_fd(&process->in_fd);
    if (!await_end(process->pid, timeout_ms)) {
        process_stop(process, out_wait_status);
        return false;
    }
    close_fd(&process->out_fd);
    reap(process, out_wait_status);
    return true;
}

enum status process_run(const char *const *argv, enum process_errors errors, int timeout_ms,
                        const struct cancel *cancel, struct buf *out, struct error *err)
{
    struct process process;
    enum status status = process_start(
        &(struct process_options){.argv = argv, .extra_fd = -1, .errors = errors}, &process, err);
    if (status)
        return status;
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    char block[16 * 1024];
    ssize_t n;
    while ((n = process_read(&process, block, sizeof block, 100)) != 0 && n != -2) {
        if (is_cancelled(cancel) || clock_monotonic_ms() >= deadline_ms)
            status = error_set(err, STATUS_CANCELLED, "\"%s\" was stopped", argv[0]);
        else if (n > 0) {
            buf_append(out, block, (size_t)n);
            status = buf_status(out, err);
        }
        if (status)
            break;
    }
    int wait_status = 0;
    if (status)
        process_stop(&process, NULL);
    else
        process_wait(&process, 5000, &wait_status);
    if (!status && (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0))
        status =
            error_set(err, STATUS_REMOTE, "\"%s\" failed (%s %d)", argv[0],
                      WIFSIGNALED(wait_status) ? "signal" : "code",
                      WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    return status;
}

enum status process_become(char *const *argv, struct error *err)
{
    int errnum = fault_hit("process.start") ? EAGAIN : 0;
    if (!errnum) {
        execv(argv[0], argv);
        errnum = errno;
    }
    return error_errno(err, errnum, "could not start \"%s\"", argv[0]);
}

void process_raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= FILES_WANTED)
        return;
    files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

bool process_find_bytes(const char *text, const char *name, uint64_t *out)
{
    const char *line = strstr(text, name);
    if (line)
        *out = strtoull(line + strlen(name), NULL, 10) * 1024;
    return line != NULL;
}

#define PROC_BYTES_MAX ((size_t)64 * 1024)

uint64_t process_peak_bytes(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    uint64_t n_bytes = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    if (file_read(path, PROC_BYTES_MAX, &text, NULL) == STATUS_OK)
        (void)process_find_bytes(buf_text(&text), "VmHWM:", &n_bytes);
    buf_clear(&text);
    return n_bytes;
}
