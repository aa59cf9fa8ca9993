#include "app/signals.h"

#include <signal.h>
#include <unistd.h>

static struct cancel stop;

static void on_signal(int number)
{
    if (atomic_exchange(&stop.requested, number) != 0)
        _exit(128 + number);
}

const struct cancel *signals_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    return &stop;
}

int signals_received(void)
{
    return atomic_load(&stop.requested);
}
