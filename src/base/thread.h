/* base/thread.h - threads and the bounded queue between pipeline stages. Fault hook "thread.start".
 */
#ifndef RAGGED_BASE_THREAD_H
#define RAGGED_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Physical work this process may do at once: the affinity mask's size, at least 1. */
unsigned thread_count_usable(void);

struct thread {
    pthread_t id;
    bool is_running;
};
enum status thread_start(struct thread *thread, void *(*run)(void *), void *arg,
                         struct error *err) MUST_USE;
void thread_join(struct thread *thread); /* not running is fine */

/* The calling thread, and the processes that it starts, stand back behind whoever else wants the
 * processor. For the rest of its life; a hint, never an error. */
void thread_stand_back(void);

/* How long the calling thread has run, and how long it could have and had no processor, since it
 * began. False: the kernel keeps no count. */
struct thread_turns {
    int64_t ran_ns, waited_ns;
};
bool thread_look_turns(struct thread_turns *out);

/* pthread_cond_wait() that returns after timeout_ms at the latest. */
void thread_wait(pthread_cond_t *changed, pthread_mutex_t *mutex, int64_t timeout_ms);

/* FIFO of pointers, bounded in items and in bytes; an item larger than the byte bound passes alone.
 * Locked by its own mutex: any number of producers and consumers. */
struct queue;
enum status queue_new(size_t n_items_max, size_t n_bytes_max, struct queue **out,
                      struct error *err) MUST_USE;
/* Blocks while full. False after queue_close(): the item still belongs to the caller. */
bool queue_push(struct queue *queue, void *item, size_t n_bytes) MUST_USE;
/* Blocks while empty. False when closed and drained. */
bool queue_pop(struct queue *queue, void **out_item) MUST_USE;
/* No more pushes; pops go on until empty. */
void queue_close(struct queue *queue);
void queue_free(
    struct queue *queue); /* NULL is fine; the queue must be empty or its items owned elsewhere */

#endif
