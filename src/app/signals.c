#include "app/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include "app/command.h"

static struct cancel stop;
static struct termios usual_terminal; /* written before is_guarded */
static atomic_bool is_guarded;

/* Only calls that a signal handler may make. */
static void give_terminal_back(void)
{
    static const char leave_screen[] = "\033[0m\033[?1049l\033[?1l\033>\033[?25h\r\n";
    if (!atomic_exchange(&is_guarded, false))
        return;
    ssize_t n = write(STDOUT_FILENO, leave_screen, sizeof leave_screen - 1);
    (void)n;
    tcsetattr(STDIN_FILENO, TCSANOW, &usual_terminal);
}

static void on_signal(int number)
{
    if (atomic_exchange(&stop.requested, number) == 0)
        return;
    give_terminal_back();
    _exit(128 + number);
}

/* It then ends the process as usual. */
static void on_crash(int number)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    give_terminal_back();
    sigaction(number, &usual, NULL);
    raise(number);
}

/* Segments, vectors and weights are read through maps: where a file was cut short meanwhile, or its
 * disk fails, there is nothing to go on with, and what was found so far is not shown. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    static const char sentence[] =
        "ragged: a file was cut short, or its disk failed, while it was read\n"
        "  `ragged check` looks at the library, `ragged model verify` at the model\n";
    (void)context;
    give_terminal_back();
    if (info->si_code != BUS_ADRERR) {
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(number, &usual, NULL);
        return;
    }
    ssize_t n = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)n;
    _exit(EXIT_CODE_ERROR);
}

const struct cancel *signals_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    struct sigaction on_bus = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigemptyset(&on_bus.sa_mask);
    sigaction(SIGBUS, &on_bus, NULL);
    return &stop;
}

void signals_guard_terminal(void)
{
    static const int crashes[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = on_crash};
    sigemptyset(&action.sa_mask);
    if (tcgetattr(STDIN_FILENO, &usual_terminal) != 0)
        return;
    atomic_store(&is_guarded, true);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        sigaction(crashes[i], &action, NULL);
}

int signals_received(void)
{
    return atomic_load(&stop.requested);
}
