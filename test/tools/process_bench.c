/* process_bench - what whole processes take: wall and processor time, peak memory. It is small
 * itself, because a process begins with the peak memory of whoever made it.
 *
 * process_bench once COMMAND...
 *     runs it, with our input and output, then prints {"wall_ms":, "cpu_ms":, "peak_mib":}
 * process_bench each RUNS COMMAND...
 *     for each line of the input, RUNS times: the word {} of COMMAND is that line, its output goes
 *     nowhere. All lines in turn, then again. Prints {"queries":, "p50_ms":, "p99_ms":, "mean_ms":,
 *     "cpu_mean_ms":, "peak_mib":}; of each line the least wall time counts.
 * process_bench repeat RUNS COMMAND...
 *     RUNS times, the input from its beginning each time, with a line each:
 *     {"first_ms": until the first byte of its output, "wall_ms":}
 *
 * Ends with 1 when the command does not end with 0. */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 64

extern char **environ;

struct usage {
    double wall_ms, cpu_ms;
    long peak_kib;
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double ms_of(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec * 1e-3;
}

static bool run(char *const *command, bool is_silent, struct usage *out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    struct rusage usage;
    posix_spawn_file_actions_init(&actions);
    if (is_silent)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    double started = now_ms();
    int failed = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed) {
        fprintf(stderr, "process_bench: %s: %s\n", command[0], strerror(failed));
        return false;
    }
    if (wait4(pid, &status, 0, &usage) != pid)
        return false;
    *out = (struct usage){.wall_ms = now_ms() - started,
                          .cpu_ms = ms_of(usage.ru_utime) + ms_of(usage.ru_stime),
                          .peak_kib = usage.ru_maxrss};
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "process_bench: %s did not end well\n", command[0]);
        return false;
    }
    return true;
}

static int once(char *const *command)
{
    struct usage usage;
    if (!run(command, false, &usage))
        return 1;
    printf("{\"wall_ms\": %.4f, \"cpu_ms\": %.4f, \"peak_mib\": %ld}\n", usage.wall_ms,
           usage.cpu_ms, usage.peak_kib >> 10);
    return 0;
}

/* The lines of the input in *out; what they point into is never freed. */
static size_t read_lines(char ***out)
{
    char *line = NULL, **lines = NULL;
    size_t n = 0, size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, stdin)) > 0) {
        char **more = realloc(lines, (n + 1) * sizeof *more);
        if (!more)
            exit(1);
        lines = more;
        line[strcspn(line, "\n")] = '\0';
        lines[n++] = line;
        line = NULL;
    }
    *out = lines;
    return n;
}

static int compare_ms(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_summary(double *least, size_t n, double cpu_mean, long peak_kib)
{
    double sum = 0;
    qsort(least, n, sizeof *least, compare_ms);
    for (size_t i = 0; i < n; i++)
        sum += least[i];
    size_t i_99 = n * 99 / 100;
    printf("{\"queries\": %zu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"mean_ms\": %.4f, "
           "\"cpu_mean_ms\": %.4f, \"peak_mib\": %.2f}\n",
           n, least[n / 2], least[i_99 < n ? i_99 : n - 1], sum / (double)n, cpu_mean,
           (double)peak_kib / 1024);
}

static int each(size_t n_runs, char *const *command, size_t n_words)
{
    char *words[WORDS_MAX + 1] = {0}, **lines;
    size_t n = read_lines(&lines), i_line = n_words;
    for (size_t i = 0; i < n_words; i++) {
        words[i] = command[i];
        if (strcmp(command[i], "{}") == 0)
            i_line = i;
    }
    double *least = calloc(n + 1, sizeof *least), cpu_sum = 0;
    long peak_kib = 0;
    if (!least || n == 0 || n_runs == 0)
        return 2;
    for (size_t i = 0; i < n * n_runs; i++) {
        struct usage usage;
        if (i_line < n_words)
            words[i_line] = lines[i % n];
        if (!run(words, true, &usage))
            return 1;
        if (i < n || usage.wall_ms < least[i % n])
            least[i % n] = usage.wall_ms;
        cpu_sum += usage.cpu_ms;
        peak_kib = usage.peak_kib > peak_kib ? usage.peak_kib : peak_kib;
    }
    print_summary(least, n, cpu_sum / (double)(n * n_runs), peak_kib);
    free(least);
    return 0;
}

/* The input is shared: where one run stops reading, the next would begin. */
static bool time_output(char *const *command)
{
    int from_child[2], status = 0;
    pid_t pid;
    char block[4096];
    posix_spawn_file_actions_t actions;
    (void)lseek(0, 0, SEEK_SET);
    if (pipe2(from_child, O_CLOEXEC))
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
    double started = now_ms(), first_ms = 0;
    int failed = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(from_child[1]);
    while (!failed && read(from_child[0], block, sizeof block) > 0)
        first_ms = first_ms > 0 ? first_ms : now_ms() - started;
    if (!failed && waitpid(pid, &status, 0) != pid)
        failed = 1;
    double wall_ms = now_ms() - started;
    close(from_child[0]);
    if (failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return false;
    printf("{\"first_ms\": %.4f, \"wall_ms\": %.4f}\n", first_ms, wall_ms);
    return true;
}

static int repeat(size_t n_runs, char *const *command)
{
    for (size_t i = 0; i < n_runs; i++)
        if (!time_output(command)) {
            fprintf(stderr, "process_bench: %s did not end well\n", command[0]);
            return 1;
        }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "once") == 0)
        return once(argv + 2);
    if (argc > 3 && argc - 3 <= WORDS_MAX && strcmp(argv[1], "each") == 0)
        return each(strtoul(argv[2], NULL, 10), argv + 3, (size_t)argc - 3);
    if (argc > 3 && strcmp(argv[1], "repeat") == 0)
        return repeat(strtoul(argv[2], NULL, 10), argv + 3);
    fputs("usage: process_bench once COMMAND...\n"
          "       process_bench each RUNS COMMAND... <LINES    ({}: the line)\n"
          "       process_bench repeat RUNS COMMAND...\n",
          stderr);
    return 2;
}
