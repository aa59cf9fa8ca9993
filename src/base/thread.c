#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"

unsigned thread_count_usable(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

enum status thread_start(struct thread *thread, void *(*run)(void *), void *arg, struct error *err)
{
    int rc = fault_hit("thread.start") ? EAGAIN : pthread_create(&thread->id, NULL, run, arg);
    if (rc)
        return error_errno(err, rc, "could not start a thread");
    thread->is_running = true;
    return STATUS_OK;
}

void thread_join(struct thread *thread)
{
    if (thread->is_running)
        pthread_join(thread->id, NULL);
    thread->is_running = false;
}

/* Linux keeps a nice value for each thread. */
void thread_stand_back(void)
{
    enum { NICE = 10 };
    if (getpriority(PRIO_PROCESS, 0) < NICE)
        (void)setpriority(PRIO_PROCESS, 0, NICE);
}

bool thread_look_turns(struct thread_turns *out)
{
    char text[96] = "";
    long long ran_ns, waited_ns;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0 || sscanf(text, "%lld %lld", &ran_ns, &waited_ns) != 2)
        return false;
    *out = (struct thread_turns){.ran_ns = ran_ns, .waited_ns = waited_ns};
    return true;
}

void thread_wait(pthread_cond_t *changed, pthread_mutex_t *mutex, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(changed, mutex, &until);
}

struct queue_item {
    void *item;
    size_t n_bytes;
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;  /* not full any more, not empty any more, closed */
    struct queue_item *ring; /* [n_items_max], by mutex */
    size_t n_items_max, n_bytes_max;
    size_t first, n_items, n_bytes; /* by mutex */
    bool is_closed;                 /* by mutex */
};

enum status queue_new(size_t n_items_max, size_t n_bytes_max, struct queue **out, struct error *err)
{
    struct queue *queue = mem_zalloc(1, sizeof *queue);
    struct queue_item *ring = mem_array(n_items_max, sizeof *ring);
    if (!queue || !ring) {
        mem_free(queue);
        mem_free(ring);
        return error_nomem(err);
    }
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->changed, NULL);
    queue->ring = ring;
    queue->n_items_max = n_items_max;
    queue->n_bytes_max = n_bytes_max;
    *out = queue;
    return STATUS_OK;
}

static bool is_full(const struct queue *queue, size_t n_bytes)
{
    if (queue->n_items == 0)
        return false;
    return queue->n_items == queue->n_items_max || n_bytes > queue->n_bytes_max ||
           queue->n_bytes > queue->n_bytes_max - n_bytes;
}

bool queue_push(struct queue *queue, void *item, size_t n_bytes)
{
    pthread_mutex_lock(&queue->mutex);
    while (!queue->is_closed && is_full(queue, n_bytes))
        pthread_cond_wait(&queue->changed, &queue->mutex);
    bool is_open = !queue->is_closed;
    if (is_open) {
        size_t at = (queue->first + queue->n_items) % queue->n_items_max;
        queue->ring[at] = (struct queue_item){.item = item, .n_bytes = n_bytes};
        queue->n_items++;
        queue->n_bytes += n_bytes;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->mutex);
    return is_open;
}

bool queue_pop(struct queue *queue, void **out_item)
{
    pthread_mutex_lock(&queue->mutex);
    while (!queue->is_closed && queue->n_items == 0)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    bool has_item = queue->n_items > 0;
    if (has_item) {
        struct queue_item *slot = &queue->ring[queue->first];
        *out_item = slot->item;
        queue->n_bytes -= slot->n_bytes;
        queue->first = (queue->first + 1) % queue->n_items_max;
        queue->n_items--;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->mutex);
    return has_item;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->mutex);
    mem_free(queue->ring);
    mem_free(queue);
}
