/* Enters the parser's jail and then tries one forbidden act.
 *
 *     jail_offender list     names of the acts, one a line
 *     jail_offender NAME     exit code 0: the act was refused with EACCES or EPERM; 42: it was
 *                            allowed; otherwise SIGSYS ended the process, as it should
 *     jail_offender none     enters the jail and does what a parser may do; exit code 0
 *
 * Run by root it becomes nobody first, so that what refuses is the jail. (Being root would only
 * add rights: the filter of system calls does not look at the user.) */
#include <errno.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "load/jail.h"

#define CALL(...) return syscall(__VA_ARGS__)

static void *page;   /* readable memory, mapped before the jail closed */
static pid_t parent; /* a process to attack */

static long act_open(void)
{
    CALL(SYS_open, "/etc/passwd", O_RDONLY);
}
static long act_openat(void)
{
    CALL(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long act_openat2(void)
{
    CALL(SYS_openat2, AT_FDCWD, "/etc/passwd", page, 24);
}
static long act_create(void)
{
    CALL(SYS_openat, AT_FDCWD, "/tmp/x", O_CREAT | O_WRONLY, 0600);
}
static long act_proc_mem(void)
{
    CALL(SYS_open, "/proc/self/mem", O_RDWR);
}
static long act_socket(void)
{
    CALL(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static long act_socket_unix(void)
{
    CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}
static long act_connect(void)
{
    CALL(SYS_connect, 3, page, 16);
}
static long act_bind(void)
{
    CALL(SYS_bind, 3, page, 16);
}
static long act_sendto(void)
{
    CALL(SYS_sendto, 3, page, 1, 0, NULL, 0);
}
static long act_sendmsg(void)
{
    CALL(SYS_sendmsg, 3, page, 0);
}
static long act_write_other(void)
{
    CALL(SYS_write, 3, page, 1);
}
static long act_execve(void)
{
    CALL(SYS_execve, "/bin/true", NULL, NULL);
}
static long act_execveat(void)
{
    CALL(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0);
}
static long act_fork(void)
{
    CALL(SYS_fork);
}
static long act_vfork(void)
{
    CALL(SYS_vfork);
}
static long act_clone(void)
{
    CALL(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static long act_clone3(void)
{
    CALL(SYS_clone3, page, 64);
}
static long act_ptrace(void)
{
    CALL(SYS_ptrace, 16 /* PTRACE_ATTACH */, parent, 0, 0);
}
static long act_vm_readv(void)
{
    CALL(SYS_process_vm_readv, parent, page, 0, page, 0, 0);
}
static long act_vm_writev(void)
{
    CALL(SYS_process_vm_writev, parent, page, 0, page, 0, 0);
}
static long act_kill(void)
{
    CALL(SYS_kill, parent, 0);
}
static long act_tgkill(void)
{
    CALL(SYS_tgkill, parent, parent, 0);
}
static long act_pidfd_open(void)
{
    CALL(SYS_pidfd_open, parent, 0);
}
static long act_mprotect_exec(void)
{
    CALL(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
}
static long act_pkey_mprotect(void)
{
    CALL(SYS_pkey_mprotect, page, 4096, PROT_EXEC, -1);
}
static long act_mmap_exec(void)
{
    CALL(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long act_prctl(void)
{
    CALL(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static long act_setrlimit(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    CALL(SYS_setrlimit, RLIMIT_FSIZE, &limit);
}
static long act_prlimit(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    CALL(SYS_prlimit64, 0, RLIMIT_AS, &limit, NULL);
}
static long act_setuid(void)
{
    CALL(SYS_setuid, 0);
}
static long act_io_uring(void)
{
    CALL(SYS_io_uring_setup, 4, page);
}
static long act_bpf(void)
{
    CALL(SYS_bpf, 0, page, 16);
}
static long act_seccomp(void)
{
    CALL(SYS_seccomp, 0, 0, NULL);
}
static long act_keyctl(void)
{
    CALL(SYS_keyctl, 0, 0, 0, 0, 0);
}
static long act_unlink(void)
{
    CALL(SYS_unlink, "/tmp/x");
}
static long act_unlinkat(void)
{
    CALL(SYS_unlinkat, AT_FDCWD, "/tmp/x", 0);
}
static long act_rename(void)
{
    CALL(SYS_rename, "/tmp/x", "/tmp/y");
}
static long act_link(void)
{
    CALL(SYS_link, "/etc/passwd", "/tmp/y");
}
static long act_symlink(void)
{
    CALL(SYS_symlink, "/etc/passwd", "/tmp/y");
}
static long act_mkdir(void)
{
    CALL(SYS_mkdir, "/tmp/xd", 0700);
}
static long act_chmod(void)
{
    CALL(SYS_chmod, "/tmp", 0777);
}
static long act_chown(void)
{
    CALL(SYS_chown, "/tmp", 0, 0);
}
static long act_truncate(void)
{
    CALL(SYS_truncate, "/tmp/x", 0);
}
static long act_ftruncate(void)
{
    CALL(SYS_ftruncate, 3, 0);
}
static long act_mknod(void)
{
    CALL(SYS_mknod, "/tmp/xf", S_IFIFO | 0600, 0);
}
static long act_getdents(void)
{
    CALL(SYS_getdents64, 3, page, 4096);
}
static long act_mount(void)
{
    CALL(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}
static long act_chroot(void)
{
    CALL(SYS_chroot, "/");
}
static long act_unshare(void)
{
    CALL(SYS_unshare, CLONE_NEWUSER);
}
static long act_setns(void)
{
    CALL(SYS_setns, 3, 0);
}
static long act_perf(void)
{
    CALL(SYS_perf_event_open, page, 0, -1, -1, 0);
}
static long act_memfd(void)
{
    CALL(SYS_memfd_create, "x", 0);
}
static long act_userfaultfd(void)
{
    CALL(SYS_userfaultfd, 1);
}
static long act_shmget(void)
{
    CALL(SYS_shmget, 0, 4096, 0600);
}
static long act_msgget(void)
{
    CALL(SYS_msgget, 0, 0600);
}
static long act_semget(void)
{
    CALL(SYS_semget, 0, 1, 0600);
}
static long act_inotify(void)
{
    CALL(SYS_inotify_init1, 0);
}
static long act_tiocsti(void)
{
    CALL(SYS_ioctl, 0, TIOCSTI, "x");
}
static long act_dup(void)
{
    CALL(SYS_dup2, 2, 3);
}
static long act_fcntl(void)
{
    CALL(SYS_fcntl, 3, F_SETFD, 0);
}
static long act_setitimer(void)
{
    CALL(SYS_setitimer, 0, page, NULL);
}
static long act_personality(void)
{
    CALL(SYS_personality, 0);
}
static long act_reboot(void)
{
    CALL(SYS_reboot, 0, 0, 0, NULL);
}

static const struct {
    const char *name;
    long (*run)(void);
} acts[] = {
    {"open", act_open},
    {"openat", act_openat},
    {"openat2", act_openat2},
    {"create", act_create},
    {"proc_self_mem", act_proc_mem},
    {"socket", act_socket},
    {"socket_unix", act_socket_unix},
    {"connect", act_connect},
    {"bind", act_bind},
    {"sendto", act_sendto},
    {"sendmsg", act_sendmsg},
    {"write_other_descriptor", act_write_other},
    {"execve", act_execve},
    {"execveat", act_execveat},
    {"fork", act_fork},
    {"vfork", act_vfork},
    {"clone", act_clone},
    {"clone3", act_clone3},
    {"ptrace", act_ptrace},
    {"process_vm_readv", act_vm_readv},
    {"process_vm_writev", act_vm_writev},
    {"kill_parent", act_kill},
    {"tgkill_parent", act_tgkill},
    {"pidfd_open", act_pidfd_open},
    {"mprotect_exec", act_mprotect_exec},
    {"pkey_mprotect", act_pkey_mprotect},
    {"mmap_exec", act_mmap_exec},
    {"prctl", act_prctl},
    {"setrlimit", act_setrlimit},
    {"prlimit", act_prlimit},
    {"setuid", act_setuid},
    {"io_uring_setup", act_io_uring},
    {"bpf", act_bpf},
    {"seccomp", act_seccomp},
    {"keyctl", act_keyctl},
    {"unlink", act_unlink},
    {"unlinkat", act_unlinkat},
    {"rename", act_rename},
    {"link", act_link},
    {"symlink", act_symlink},
    {"mkdir", act_mkdir},
    {"chmod", act_chmod},
    {"chown", act_chown},
    {"truncate", act_truncate},
    {"ftruncate", act_ftruncate},
    {"mknod", act_mknod},
    {"getdents", act_getdents},
    {"mount", act_mount},
    {"chroot", act_chroot},
    {"unshare", act_unshare},
    {"setns", act_setns},
    {"perf_event_open", act_perf},
    {"memfd_create", act_memfd},
    {"userfaultfd", act_userfaultfd},
    {"shmget", act_shmget},
    {"msgget", act_msgget},
    {"semget", act_semget},
    {"inotify_init", act_inotify},
    {"ioctl_tiocsti", act_tiocsti},
    {"dup", act_dup},
    {"fcntl", act_fcntl},
    {"setitimer", act_setitimer},
    {"personality", act_personality},
    {"reboot", act_reboot},
};
#define N_ACTS (sizeof acts / sizeof acts[0])

/* What a parser needs must work, or the jail would be proved by breaking everything. */
static int behave(void)
{
    char *memory = malloc(8 << 20);
    if (!memory)
        return 1;
    memset(memory, 'x', 8 << 20);
    memory = realloc(memory, 16 << 20);
    bool is_fine = memory && write(1, "", 0) == 0;
    free(memory);
    return is_fine ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct error err;
    if (argc != 2)
        return 2;
    for (size_t i = 0; strcmp(argv[1], "list") == 0 && i < N_ACTS; i++)
        puts(acts[i].name);
    if (strcmp(argv[1], "list") == 0)
        return 0;
    if (getuid() == 0 && (setgid(65534) || setuid(65534)))
        return 3;
    parent = getppid();
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || jail_enter(&err))
        return 4;
    if (strcmp(argv[1], "none") == 0)
        _exit(behave());
    for (size_t i = 0; i < N_ACTS; i++)
        if (strcmp(argv[1], acts[i].name) == 0) {
            errno = 0;
            long rc = acts[i].run();
            _exit(rc == -1 && (errno == EACCES || errno == EPERM) ? 0 : 42);
        }
    return 5;
}
