#include "app/signals.h"

#include <signal.h>
#include <unistd.h>

#include "app/command.h"

static struct cancel stop;

static void on_signal(int number)
{
    if (atomic_exchange(&stop.requested, number) != 0)
        _exit(128 + number);
}

/* Segments, vectors and weights are read through maps: where a file was cut short meanwhile, or its
 * disk fails, there is nothing to go on with, and what was found so far is not shown. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    static const char sentence[] =
        "ragged: a file was cut short, or its disk failed, while it was read\n"
        "  `ragged check` looks at the library, `ragged model verify` at the model\n";
    (void)context;
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

int signals_received(void)
{
    return atomic_load(&stop.requested);
}
