#include "base/board.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/hash.h"

#define LOCK_ATTEMPTS 50

static struct board own_board;
static _Atomic(struct board *) current_board = &own_board;

struct board *board_get(void)
{
    return atomic_load_explicit(&current_board, memory_order_acquire);
}

static uint64_t add_row(uint64_t layout, const struct metric_row *row)
{
    layout = layout * 31 + hash64_of(row->name, strlen(row->name));
    return layout * 31 + hash64_of(row->label, strlen(row->label));
}

/* Rows may move from one version to the next: their names are the layout. */
uint64_t board_layout(void)
{
    uint64_t layout = sizeof(struct board);
    for (int i = 0; i < METRIC_COUNT; i++)
        layout = add_row(layout, metric_row((enum metric)i));
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        layout = add_row(layout, histogram_row((enum histogram)i));
    return layout | 1;
}

static struct board *map(int fd)
{
    void *at = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* Blocks are taken at once: a page that the disk has no room for would kill whoever touches it. */
static int make_whole(int fd)
{
    if (ftruncate(fd, 0) != 0)
        return errno;
    return posix_fallocate(fd, 0, (off_t)sizeof(struct board));
}

/* Held for microseconds, unless its holder was stopped in the middle. */
static bool lock(int fd)
{
    for (int i = 0; i < LOCK_ATTEMPTS; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK)
            return false;
        clock_sleep_ms(1);
    }
    return false;
}

/* Under a lock, so that two that begin at once do not empty each other's file. A process that still
 * counts in a file of another layout would be killed by a shorter one: it is replaced, not cut. */
static int open_board(const char *path, uint64_t layout, struct board **out)
{
    int errnum = 0, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    struct stat info;
    struct board *board = NULL;
    if (!lock(fd) || fstat(fd, &info) != 0) {
        errnum = errno;
        goto done;
    }
    if (!S_ISREG(info.st_mode) || (info.st_size != 0 && info.st_size != sizeof *board)) {
        errnum = ESTALE;
        goto done;
    }
    if (info.st_size == 0 && (errnum = make_whole(fd)) != 0)
        goto done;
    board = map(fd);
    if (!board) {
        errnum = errno;
    } else if (info.st_size == 0) {
        atomic_store(&board->layout, layout);
    } else if (atomic_load(&board->layout) != layout) {
        munmap(board, sizeof *board);
        errnum = ESTALE;
    }
done:
    flock(fd, LOCK_UN); /* a map keeps it beyond the close */
    close(fd);
    if (!errnum)
        *out = board;
    return errnum;
}

static void carry_over(struct board *to)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        atomic_fetch_add(&to->values[i], atomic_exchange(&own_board.values[i], 0));
    for (int i = 0; i < HISTOGRAM_COUNT; i++) {
        struct board_histogram *from = &own_board.histograms[i];
        atomic_fetch_add(&to->histograms[i].sum, atomic_exchange(&from->sum, 0));
        for (int j = 0; j < HISTOGRAM_BUCKETS; j++)
            atomic_fetch_add(&to->histograms[i].buckets[j], atomic_exchange(&from->buckets[j], 0));
    }
}

enum status board_share(const char *path, struct error *err)
{
    if (board_get() != &own_board)
        return STATUS_OK;
    uint64_t layout = board_layout();
    struct board *board = NULL;
    int errnum = fault_hit("board.open") ? EIO : open_board(path, layout, &board);
    if (errnum == ESTALE && unlink(path) == 0)
        errnum = open_board(path, layout, &board);
    if (errnum)
        return error_errno(err, errnum, "could not share counters in \"%s\"", path);
    struct board *expected = &own_board;
    if (!atomic_compare_exchange_strong(&current_board, &expected, board))
        munmap(board, sizeof *board);
    else
        carry_over(board);
    return STATUS_OK;
}
