#include "load/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "load/request.h"

/* Rights of later kernels than the headers here know; bits are stable by contract. */
#define LANDLOCK_FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define LANDLOCK_FS_REFER (UINT64_C(1) << 13)       /* ABI 2 */
#define LANDLOCK_FS_TRUNCATE (UINT64_C(1) << 14)    /* ABI 3 */
#define LANDLOCK_FS_IOCTL_DEV (UINT64_C(1) << 15)   /* ABI 5 */
#define LANDLOCK_NET_ALL ((UINT64_C(1) << 2) - 1)   /* ABI 4: bind and connect TCP */
#define LANDLOCK_SCOPE_ALL ((UINT64_C(1) << 2) - 1) /* ABI 6: abstract sockets and signals */

#define LANDLOCK_READ \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

struct ruleset { /* struct landlock_ruleset_attr of ABI 6 */
    uint64_t handled_access_fs, handled_access_net, scoped;
};

/* Whoever started us may have set a stricter one. */
static enum status set_limit(int resource, rlim_t value, const char *name, struct error *err)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max < value)
        value = now.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &(struct rlimit){value, value}))
        return error_errno(err, errno, "could not limit %s of the parser", name);
    return STATUS_OK;
}

static enum status set_limits(rlim_t n_files, rlim_t n_processes, struct error *err)
{
    const struct {
        int resource;
        rlim_t value;
        const char *name;
    } limits[] = {
        {RLIMIT_CORE, 0, "core files"},
        {RLIMIT_FSIZE, 0, "file sizes"},
        {RLIMIT_NPROC, n_processes, "processes"},
        {RLIMIT_NOFILE, n_files, "open files"},
        {RLIMIT_AS, JAIL_IS_SANITIZED ? RLIM_INFINITY : RAGGED_LIMIT_WORKER_AS, "memory"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        enum status status =
            limits[i].value == RLIM_INFINITY
                ? STATUS_OK
                : set_limit(limits[i].resource, limits[i].value, limits[i].name, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status set_privileges(struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return error_errno(err, errno, "could not give up privileges of the parser");
    return STATUS_OK;
}

static void allow_folder(int ruleset_fd, const char *path)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_READ};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

/* `folders` (NULL at the end) stay readable. A kernel without Landlock is accepted: the filter of
 * system calls alone keeps files and network out. */
static enum status restrict_files(const char *const *folders, struct error *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return STATUS_OK;
    struct ruleset rules = {.handled_access_fs = LANDLOCK_FS_ABI_1};
    size_t size_bytes = offsetof(struct ruleset, handled_access_net);
    rules.handled_access_fs |= abi >= 2 ? LANDLOCK_FS_REFER : 0;
    rules.handled_access_fs |= abi >= 3 ? LANDLOCK_FS_TRUNCATE : 0;
    rules.handled_access_fs |= abi >= 5 ? LANDLOCK_FS_IOCTL_DEV : 0;
    if (abi >= 4) {
        rules.handled_access_net = LANDLOCK_NET_ALL;
        size_bytes = offsetof(struct ruleset, scoped);
    }
    if (abi >= 6) {
        rules.scoped = LANDLOCK_SCOPE_ALL;
        size_bytes = sizeof rules;
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size_bytes, 0);
    for (; fd >= 0 && *folders; folders++)
        allow_folder(fd, *folders);
    long rc = fd < 0 ? -1 : syscall(SYS_landlock_restrict_self, fd, 0);
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    return rc ? error_errno(err, errnum, "could not take files from the parser") : STATUS_OK;
}

static const int allowed_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(readv),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), /* sanitizers */
};

/* Asked for by libraries that live well without an answer. */
static const int refused_calls[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),     SCMP_SYS(stat),      SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx),      SCMP_SYS(access),    SCMP_SYS(faccessat),
    SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(getcwd),    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),    SCMP_SYS(ioctl),      SCMP_SYS(prlimit64),
};

#define WITHOUT_EXEC SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)

static int add_rules(scmp_filter_ctx filter)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof allowed_calls / sizeof allowed_calls[0]; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);
    for (size_t i = 0; !rc && i < sizeof refused_calls / sizeof refused_calls[0]; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused_calls[i], 0);
    if (!rc)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, WITHOUT_EXEC);
    if (!rc)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, WITHOUT_EXEC);
    for (unsigned fd = 1; !rc && fd <= 2; fd++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                              SCMP_A0(SCMP_CMP_EQ, fd, 0));
    if (!rc)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1,
                              SCMP_A0(SCMP_CMP_EQ, REQUEST_FD, 0));
    return rc;
}

static enum status load_filter(scmp_filter_ctx filter, int rc, struct error *err)
{
    if (filter && !rc)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (!filter || rc)
        return error_errno(err, rc ? -rc : ENOMEM, "could not filter system calls of the parser");
    return STATUS_OK;
}

static enum status filter_calls(struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    return load_filter(filter, filter ? add_rules(filter) : 0, err);
}

enum status jail_enter(struct error *err)
{
    static const char *const no_folders[] = {NULL};
    enum status status = set_limits(64, 0, err);
    if (!status)
        status = set_privileges(err);
    if (!status)
        status = restrict_files(no_folders, err);
    return status ? status : filter_calls(err);
}

/* pdftotext and the dynamic linker need too many calls for a list of allowed ones. */
static enum status filter_calls_for_exec(struct error *err)
{
    static const int killed[] = {
        SCMP_SYS(socket),
        SCMP_SYS(socketpair),
        SCMP_SYS(connect),
        SCMP_SYS(bind),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(kill),
        SCMP_SYS(tkill),
        SCMP_SYS(tgkill),
        SCMP_SYS(fork),
        SCMP_SYS(vfork),
        SCMP_SYS(clone),
        SCMP_SYS(clone3),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(bpf),
        SCMP_SYS(keyctl),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(memfd_create),
        SCMP_SYS(mount),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
        SCMP_SYS(chroot),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_open),
        SCMP_SYS(pidfd_send_signal),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(name_to_handle_at),
        SCMP_SYS(open_by_handle_at),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = 0;
    for (size_t i = 0; filter && !rc && i < sizeof killed / sizeof killed[0]; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, killed[i], 0);
    return load_filter(filter, rc, err);
}

enum status jail_enter_for_exec(struct error *err)
{
    static const char *const folders[] = {
        "/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", NULL};
    enum status status = set_limits(64, 0, err);
    if (!status)
        status = set_limit(RLIMIT_CPU, RAGGED_LIMIT_WORKER_CPU_S, "processor time", err);
    if (!status)
        status = set_privileges(err);
    if (!status)
        status = restrict_files(folders, err);
    return status ? status : filter_calls_for_exec(err);
}
