/* A coverage build keeps its counts in memory until exit(): a child of a test that ends with
 * _exit(), and a process that a fault plan kills, would take them along. The linker puts these in
 * front of the two calls. */
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);
int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);

_Noreturn void __wrap__exit(int code)
{
    __gcov_dump();
    __real__exit(code);
}

int __wrap_kill(pid_t pid, int number)
{
    if (pid == getpid())
        __gcov_dump();
    return __real_kill(pid, number);
}
