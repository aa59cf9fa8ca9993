#include "base/board_view.h"

#include <string.h>
#include <unistd.h>

#include "base/board.h"
#include "base/file.h"
#include "base/mem.h"

#define SLOTS_OFFSET offsetof(struct board, slots)

static enum status read_part(int fd, const char *path, uint64_t offset, void *out, size_t len,
                             struct error *err)
{
    size_t n = 0;
    enum status status = file_read_at(fd, path, offset, out, len, &n, err);
    if (!status && n != len)
        status = error_set(err, STATUS_FORMAT, "the counters in \"%s\" are cut short", path);
    return status;
}

static void copy_numbers(struct board *board, struct board_view *out)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        out->values[i] = atomic_load_explicit(&board->values[i], memory_order_relaxed);
    for (int i = 0; i < HISTOGRAM_COUNT; i++) {
        struct board_histogram *from = &board->histograms[i];
        struct histogram_counts *to = &out->histograms[i];
        *to = (struct histogram_counts){.sum_us =
                                            atomic_load_explicit(&from->sum, memory_order_relaxed)};
        for (size_t j = 0; j < HISTOGRAM_BUCKETS; j++) {
            to->buckets[j] = atomic_load_explicit(&from->buckets[j], memory_order_relaxed);
            to->n += to->buckets[j];
        }
    }
}

/* What stood in a slot between two readings of the same even version is one writer's whole. */
static void copy_operations(struct board *first, struct board_slot *second, struct board_view *out)
{
    out->n_operations = 0;
    for (int i = 0; i < OPERATION_SLOTS; i++) {
        struct board_slot *slot = &first->slots[i];
        unsigned long long owner = atomic_load_explicit(&slot->owner, memory_order_relaxed);
        unsigned long long version = atomic_load_explicit(&slot->version, memory_order_relaxed);
        bool is_whole = version % 2 == 0 &&
                        version == atomic_load_explicit(&second[i].version, memory_order_relaxed) &&
                        owner == atomic_load_explicit(&second[i].owner, memory_order_relaxed);
        if (!owner || !is_whole || !operation_owner_is_alive(owner))
            continue;
        struct board_operation *to = &out->operations[out->n_operations++];
        uint64_t words[BOARD_OPERATION_WORDS];
        for (int j = 0; j < BOARD_OPERATION_WORDS; j++)
            words[j] = atomic_load_explicit(&slot->words[j], memory_order_relaxed);
        to->process_id = (int64_t)(owner >> 40);
        memcpy(&to->operation, words, sizeof words);
        operation_clean(&to->operation);
    }
}

static enum status read_open(int fd, const char *path, struct board *board,
                             struct board_slot *again, struct board_view *out, struct error *err)
{
    struct file_info info;
    enum status status = file_stat_fd(fd, path, &info, err);
    if (!status && info.size_bytes != sizeof *board)
        return error_set(err, STATUS_FORMAT,
                         "the counters in \"%s\" are damaged or of another version", path);
    if (!status)
        status = read_part(fd, path, 0, board, sizeof *board, err);
    if (!status && atomic_load_explicit(&board->layout, memory_order_relaxed) != board_layout())
        status = error_set(err, STATUS_FORMAT,
                           "the counters in \"%s\" are damaged or of another version", path);
    if (!status)
        status = read_part(fd, path, SLOTS_OFFSET, again, sizeof board->slots, err);
    if (status)
        return status;
    copy_numbers(board, out);
    copy_operations(board, again, out);
    return STATUS_OK;
}

enum status board_view_read(const char *path, struct board_view *out, struct error *err)
{
    struct board *board = NULL;
    struct board_slot *again = NULL;
    int fd = -1;
    enum status status = file_open(path, FILE_NO_FOLLOW, &fd, err);
    if (status)
        return status;
    board = mem_zalloc(1, sizeof *board);
    again = mem_zalloc(OPERATION_SLOTS, sizeof *again);
    status = board && again ? read_open(fd, path, board, again, out, err) : error_nomem(err);
    mem_free(again);
    mem_free(board);
    close(fd);
    return status;
}
