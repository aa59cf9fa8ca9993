/* The only global state in the library, and only in FAULT=1 builds: a failure has to reach code
 * that was not written to carry a test handle. */
#include "base/fault.h"

#ifdef RAGGED_FAULT

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_SITES_MAX 128

struct fault_site {
    const char *name;
    long n_reached;
};

static struct {
    pthread_mutex_t mutex;
    bool is_planned, is_kill, is_sticky;
    char target[64];
    long nth, n_matched;
    struct fault_site sites[FAULT_SITES_MAX];
    size_t n_sites;
} fault = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t fault_once = PTHREAD_ONCE_INIT;

static void parse_plan(const char *plan)
{
    fault.is_planned = false;
    fault.n_matched = 0;
    if (!plan || !*plan)
        return;
    fault.is_kill = strncmp(plan, "kill@", 5) == 0;
    if (fault.is_kill)
        plan += 5;
    const char *colon = strrchr(plan, ':');
    size_t len = colon ? (size_t)(colon - plan) : strlen(plan);
    if (len >= sizeof fault.target)
        len = sizeof fault.target - 1;
    memcpy(fault.target, plan, len);
    fault.target[len] = '\0';
    fault.nth = colon ? strtol(colon + 1, NULL, 10) : 1;
    fault.is_sticky = plan[strlen(plan) - 1] == '+';
    fault.is_planned = true;
}

static void write_counts(void)
{
    const char *path = getenv("RAGGED_FAULT_COUNT");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f)
        return;
    for (size_t i = 0; i < fault.n_sites; i++)
        fprintf(f, "%s %ld\n", fault.sites[i].name, fault.sites[i].n_reached);
    fclose(f);
}

static void read_environment(void)
{
    parse_plan(getenv("RAGGED_FAULT"));
    if (getenv("RAGGED_FAULT_COUNT"))
        atexit(write_counts);
}

static bool site_matches(const char *site, const char *target)
{
    size_t len = strlen(target);
    return strncmp(site, target, len) == 0 && (site[len] == '\0' || site[len] == '.');
}

static void count_site(const char *site)
{
    for (size_t i = 0; i < fault.n_sites; i++)
        if (strcmp(fault.sites[i].name, site) == 0) {
            fault.sites[i].n_reached++;
            return;
        }
    if (fault.n_sites < FAULT_SITES_MAX)
        fault.sites[fault.n_sites++] = (struct fault_site){.name = site, .n_reached = 1};
}

bool fault_hit(const char *site)
{
    pthread_once(&fault_once, read_environment);
    pthread_mutex_lock(&fault.mutex);
    count_site(site);
    bool hit = false;
    if (fault.is_planned && site_matches(site, fault.target)) {
        fault.n_matched++;
        hit = fault.is_sticky ? fault.n_matched >= fault.nth : fault.n_matched == fault.nth;
    }
    bool kill_now = hit && fault.is_kill;
    pthread_mutex_unlock(&fault.mutex);
    if (kill_now)
        kill(getpid(), SIGKILL);
    return hit;
}

void fault_plan(const char *plan)
{
    pthread_once(&fault_once, read_environment);
    pthread_mutex_lock(&fault.mutex);
    fault.n_sites = 0;
    parse_plan(plan);
    pthread_mutex_unlock(&fault.mutex);
}

long fault_count(const char *site)
{
    long n = 0;
    pthread_mutex_lock(&fault.mutex);
    for (size_t i = 0; i < fault.n_sites; i++)
        if (site_matches(fault.sites[i].name, site))
            n += fault.sites[i].n_reached;
    pthread_mutex_unlock(&fault.mutex);
    return n;
}

#else
typedef int fault_not_built; /* a translation unit may not be empty */
#endif
