/* Preloaded into ragged: a disk that takes its time before a file is there for good. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 150 * 1000 * 1000}, NULL);
}

int fsync(int fd)
{
    wait_for_disk();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_for_disk();
    return (int)syscall(SYS_fdatasync, fd);
}
