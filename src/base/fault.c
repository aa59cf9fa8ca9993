/* The only global state in the library, and only in FAULT=1 builds: a failure has to reach code
 * that was not written to carry a test handle. */
#include "base/fault.h"

#ifdef RAGGED_FAULT

#include <errno.h>
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

enum fault_kind { FAULT_NONE, FAULT_FAIL, FAULT_KILL, FAULT_EINTR, FAULT_SHORT };

static const struct {
    const char *prefix;
    enum fault_kind kind;
} kinds[] = {{"kill@", FAULT_KILL}, {"eintr@", FAULT_EINTR}, {"short@", FAULT_SHORT}};

static struct {
    pthread_mutex_t mutex;
    enum fault_kind kind; /* NONE: nothing is planned */
    bool is_sticky;
    char target[64];
    long nth, n_matched;
    struct fault_site sites[FAULT_SITES_MAX];
    size_t n_sites;
} fault = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t fault_once = PTHREAD_ONCE_INIT;

static void parse_plan(const char *plan)
{
    fault.kind = FAULT_NONE;
    fault.n_matched = 0;
    if (!plan || !*plan)
        return;
    enum fault_kind kind = FAULT_FAIL;
    for (size_t i = 0; kind == FAULT_FAIL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(plan, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
            kind = kinds[i].kind;
            plan += strlen(kinds[i].prefix);
        }
    const char *colon = strrchr(plan, ':');
    size_t len = colon ? (size_t)(colon - plan) : strlen(plan);
    if (len >= sizeof fault.target)
        len = sizeof fault.target - 1;
    memcpy(fault.target, plan, len);
    fault.target[len] = '\0';
    fault.nth = colon ? strtol(colon + 1, NULL, 10) : 1;
    fault.is_sticky = plan[strlen(plan) - 1] == '+';
    fault.kind = kind;
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

/* By mutex. */
static bool is_due(const char *site)
{
    if (!site_matches(site, fault.target))
        return false;
    fault.n_matched++;
    return fault.is_sticky ? fault.n_matched >= fault.nth : fault.n_matched == fault.nth;
}

static enum fault_kind reach(const char *site, bool is_interruptible)
{
    pthread_once(&fault_once, read_environment);
    pthread_mutex_lock(&fault.mutex);
    count_site(site);
    bool is_meant = fault.kind == FAULT_FAIL || fault.kind == FAULT_KILL ||
                    (fault.kind == FAULT_EINTR && is_interruptible);
    enum fault_kind kind = is_meant && is_due(site) ? fault.kind : FAULT_NONE;
    pthread_mutex_unlock(&fault.mutex);
    if (kind == FAULT_KILL)
        kill(getpid(), SIGKILL);
    return kind;
}

bool fault_hit(const char *site)
{
    return reach(site, false) != FAULT_NONE;
}

int fault_errno(const char *site, int errnum)
{
    enum fault_kind kind = reach(site, true);
    return kind == FAULT_NONE ? 0 : kind == FAULT_EINTR ? EINTR : errnum;
}

size_t fault_short(const char *site, size_t len)
{
    pthread_once(&fault_once, read_environment);
    pthread_mutex_lock(&fault.mutex);
    bool is_short = fault.kind == FAULT_SHORT && is_due(site);
    pthread_mutex_unlock(&fault.mutex);
    return is_short && len > 1 ? 1 : len;
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
