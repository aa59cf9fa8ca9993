#include "governor/pressure.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/process.h"

enum { N_GROUPS_MAX = 32, TEXT_BYTES = 16 * 1024 };
#define UNLIMITED ((size_t)1 << 60) /* version 1 has no word for it but a number near 2^63 */

enum version { VERSION_1, VERSION_2, VERSION_COUNT };
static const struct {
    const char *file_system, *limit, *use, *dropped[2];
} versions[VERSION_COUNT] = {
    [VERSION_1] = {"cgroup",
                   "memory.limit_in_bytes",
                   "memory.usage_in_bytes",
                   {"total_inactive_file", "total_active_file"}},
    [VERSION_2] = {"cgroup2", "memory.max", "memory.current", {"inactive_file", "active_file"}},
};

struct group {
    enum version version;
    const char *folder;
    size_t limit_bytes;
};

struct pressure {
    struct arena arena;
    const char *root;
    const char *stalls; /* the file with PSI; NULL: none */
    size_t machine_bytes, page_bytes;
    struct group groups[N_GROUPS_MAX];
    size_t n_groups;
};

/* Not through base/file.h: these are read ten times a second, and how often has nothing to do with
 * the work whose failures are counted there. "" when it can't be read; cut at the buffer's end. */
static const char *read_text(const char *path, char *buf, size_t size)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = 0;
    size_t len = 0;
    while (fd >= 0 && len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
        len += (size_t)n;
    if (fd >= 0)
        close(fd);
    buf[len] = '\0';
    return buf;
}

static const char *read_in(const char *folder, const char *name, char *buf, size_t size)
{
    char path[PATH_MAX];
    buf[0] = '\0';
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return buf;
    return read_text(path, buf, size);
}

/* The number behind `name` and a space at the beginning of a line; 0: there is none. */
static size_t named_number(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return strtoull(line + len + 1, NULL, 10);
    }
    return 0;
}

/* 0: none, as of what is no number. */
static size_t read_limit(const char *folder, enum version version)
{
    char text[64];
    size_t limit = strtoull(read_in(folder, versions[version].limit, text, sizeof text), NULL, 10);
    return limit >= UNLIMITED ? 0 : limit;
}

static void add_group(struct pressure *p, enum version version, const char *folder)
{
    size_t limit = read_limit(folder, version);
    if (limit == 0 || p->n_groups == N_GROUPS_MAX)
        return;
    const char *kept = arena_text(&p->arena, folder, strlen(folder));
    if (kept)
        p->groups[p->n_groups++] =
            (struct group){.version = version, .folder = kept, .limit_bytes = limit};
}

/* Does a list with commas have the word? */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ',') && (at[len] == ',' || !at[len]))
            return true;
    return false;
}

/* What the kernel says of this process; both versions are looked for in it. */
struct membership {
    char mounts[TEXT_BYTES], groups[TEXT_BYTES];
};

static void read_membership(const struct pressure *p, struct membership *out)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/proc/self", p->root);
    read_in(folder, "mountinfo", out->mounts, sizeof out->mounts);
    read_in(folder, "cgroup", out->groups, sizeof out->groups);
}

/* Where the hierarchy of one version is mounted, and which part of it. */
struct mount {
    char folder[PATH_MAX], part[PATH_MAX];
};
static bool find_mount(const char *mounts, enum version version, struct mount *out)
{
    char text[TEXT_BYTES], *rest = NULL;
    memcpy(text, mounts, strlen(mounts) + 1);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char type[64], options[1024];
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(tail, " - %63s %*s %1023s", type, options) != 2 ||
            strcmp(type, versions[version].file_system) != 0 ||
            (version == VERSION_1 && !has_word(options, "memory")))
            continue;
        if (sscanf(line, "%*s %*s %*s %4095s %4095s", out->part, out->folder) == 2)
            return true;
    }
    return false;
}

/* The path of this process in the hierarchy: "4:memory:/path" or "0::/path". */
static bool find_path(const char *groups, enum version version, char out[PATH_MAX])
{
    char text[TEXT_BYTES], *rest = NULL;
    memcpy(text, groups, strlen(groups) + 1);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        controllers++;
        if (version == VERSION_1 ? has_word(controllers, "memory") : !*controllers) {
            snprintf(out, PATH_MAX, "%s", group);
            return true;
        }
    }
    return false;
}

static void find_groups(struct pressure *p, enum version version, const struct membership *of)
{
    struct mount mount;
    char group[PATH_MAX], folder[3 * PATH_MAX];
    if (!find_mount(of->mounts, version, &mount) || !find_path(of->groups, version, group))
        return;
    size_t part_len = strcmp(mount.part, "/") == 0 ? 0 : strlen(mount.part);
    bool is_below = strncmp(group, mount.part, part_len) == 0 && !strstr(group, "/..");
    size_t top = (size_t)snprintf(folder, sizeof folder, "%s%s", p->root, mount.folder);
    if (is_below && strcmp(group, "/") != 0)
        snprintf(folder + top, sizeof folder - top, "%s", group + part_len);
    if (version == VERSION_2) {
        char *stalls = arena_printf(&p->arena, "%s/memory.pressure", folder);
        p->stalls = stalls && access(stalls, R_OK) == 0 ? stalls : NULL;
    }
    for (;;) {
        add_group(p, version, folder);
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
}

static size_t read_machine(const struct pressure *p)
{
    char path[PATH_MAX], text[TEXT_BYTES];
    snprintf(path, sizeof path, "%s/proc/meminfo", p->root);
    uint64_t n_bytes = 0;
    (void)process_find_bytes(read_text(path, text, sizeof text), "MemTotal:", &n_bytes);
    return n_bytes ? (size_t)n_bytes : (size_t)1 << 30;
}

enum status pressure_new(const char *root, struct pressure **out, struct error *err)
{
    struct pressure *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return error_nomem(err);
    p->root = arena_text(&p->arena, root, strlen(root));
    if (!p->root) {
        pressure_free(p);
        return error_nomem(err);
    }
    p->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    p->machine_bytes = read_machine(p);
    struct membership membership;
    read_membership(p, &membership);
    find_groups(p, VERSION_2, &membership);
    find_groups(p, VERSION_1, &membership);
    if (!p->stalls)
        p->stalls = arena_printf(&p->arena, "%s/proc/pressure/memory", root);
    *out = p;
    return STATUS_OK;
}

void pressure_free(struct pressure *p)
{
    if (!p)
        return;
    arena_clear(&p->arena);
    mem_free(p);
}

size_t pressure_group_bytes(const struct pressure *p)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < p->n_groups; i++)
        if (p->groups[i].limit_bytes < least)
            least = p->groups[i].limit_bytes;
    return least;
}

size_t pressure_machine_bytes(const struct pressure *p)
{
    return p->machine_bytes;
}

/* Pages of files can be dropped or written back; what is left has to stay. */
static unsigned group_permille(const struct group *group)
{
    char text[TEXT_BYTES];
    size_t use =
        strtoull(read_in(group->folder, versions[group->version].use, text, sizeof text), NULL, 10);
    read_in(group->folder, "memory.stat", text, sizeof text);
    for (size_t i = 0; i < 2; i++) {
        size_t n = named_number(text, versions[group->version].dropped[i]);
        use = use > n ? use - n : 0;
    }
    double permille = (double)use * 1000.0 / (double)group->limit_bytes;
    return permille > 1000 ? 1000 : (unsigned)permille;
}

/* "some avg10=12.34 avg60=..." */
static unsigned stalled_permille(const char *text, const char *kind)
{
    const char *line = strstr(text, kind);
    const char *number = line ? strstr(line, "avg10=") : NULL;
    return number ? (unsigned)(strtod(number + strlen("avg10="), NULL) * 10.0) : 0;
}

/* Memory of a process that no file backs; 0: it is gone. */
static size_t process_bytes(const struct pressure *p, const char *process)
{
    char path[PATH_MAX], text[128];
    size_t resident = 0, shared = 0;
    snprintf(path, sizeof path, "%s/proc/%s/statm", p->root, process);
    if (sscanf(read_text(path, text, sizeof text), "%*s %zu %zu", &resident, &shared) != 2)
        return 0;
    return resident > shared ? (resident - shared) * p->page_bytes : 0;
}

/* Children stand with the thread that started them. */
static size_t children_bytes(const struct pressure *p)
{
    char path[PATH_MAX], text[4096];
    size_t sum = 0;
    snprintf(path, sizeof path, "%s/proc/self/task", p->root);
    DIR *threads = opendir(path);
    for (const struct dirent *at; threads && (at = readdir(threads));) {
        if (at->d_name[0] == '.')
            continue;
        char *rest = NULL;
        snprintf(path, sizeof path, "%s/proc/self/task/%s/children", p->root, at->d_name);
        read_text(path, text, sizeof text);
        for (char *pid = strtok_r(text, " \n", &rest); pid; pid = strtok_r(NULL, " \n", &rest))
            sum += process_bytes(p, pid);
    }
    if (threads)
        closedir(threads);
    return sum;
}

void pressure_look(const struct pressure *p, struct governor_sight *out)
{
    char text[512];
    struct governor_sight sight = {.own_bytes = process_bytes(p, "self") + children_bytes(p)};
    for (size_t i = 0; i < p->n_groups; i++) {
        unsigned permille = group_permille(&p->groups[i]);
        if (permille > sight.group_permille)
            sight.group_permille = permille;
    }
    read_text(p->stalls, text, sizeof text);
    sight.some_permille = stalled_permille(text, "some");
    sight.full_permille = stalled_permille(text, "full");
    *out = sight;
}
