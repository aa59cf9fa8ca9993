#include "embed/shared_tuner.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "embed/tuning.h"

#define SCRATCH_BYTES_MAX ((size_t)12 << 20) /* what a thread may take */

/* Candidates are the sizes whose scratch a thread may take, at least the smallest. */
static void start(struct shared_tuner *shared, const struct encoder *encoder)
{
    static const size_t sizes[] = {128, 256, 512, 1024};
    size_t n = 1;
    while (n < sizeof sizes / sizeof sizes[0] &&
           encoder_scratch_bytes(encoder, sizes[n]) <= SCRATCH_BYTES_MAX)
        n++;
    tuner_init(&shared->tuner, sizes, n, ENCODER_BATCH_TOKENS);
    struct tuning known;
    if (tuning_read(shared->folder, buf_text(&shared->key), &known) &&
        tuner_settle(&shared->tuner, known.n_tokens, known.rate))
        snprintf(shared->since, sizeof shared->since, "%s", known.since);
}

enum status shared_tuner_init(struct shared_tuner *shared, const struct encoder *encoder,
                              const char *folder, enum shared_tuner_mode mode, struct error *err)
{
    *shared = (struct shared_tuner){.folder = mem_text(folder)};
    pthread_mutex_init(&shared->mutex, NULL);
    if (!shared->folder)
        return error_nomem(err);
    buf_printf(&shared->key, "%s %u %s", encoder_kernel(encoder), thread_count_usable(),
               encoder_fingerprint(encoder));
    enum status status = buf_status(&shared->key, err);
    if (status)
        return status;
    if (mode == SHARED_TUNER_OFF)
        tuner_init(&shared->tuner, &(size_t){ENCODER_BATCH_TOKENS}, 1, ENCODER_BATCH_TOKENS);
    else
        start(shared, encoder);
    shared->is_tuning = mode == SHARED_TUNER_FIND && !shared->tuner.is_settled;
    return STATUS_OK;
}

void shared_tuner_clear(struct shared_tuner *shared)
{
    if (shared->is_tuning && shared->tuner.is_settled) {
        struct tuning found = {.n_tokens = shared->tuner.n_tokens, .rate = shared->tuner.rate};
        snprintf(found.since, sizeof found.since, "%s", shared->since);
        tuning_write(shared->folder, buf_text(&shared->key), &found);
    }
    buf_clear(&shared->key);
    mem_free(shared->folder);
    pthread_mutex_destroy(&shared->mutex);
}

size_t shared_tuner_n_tokens(struct shared_tuner *shared)
{
    pthread_mutex_lock(&shared->mutex);
    size_t n_tokens = shared->tuner.n_tokens;
    pthread_mutex_unlock(&shared->mutex);
    return n_tokens;
}

void shared_tuner_tell(struct shared_tuner *shared, struct tuner_event event)
{
    if (!shared->is_tuning)
        return;
    pthread_mutex_lock(&shared->mutex);
    if (tuner_step(&shared->tuner, event))
        clock_format_utc(clock_wall_ms(), shared->since);
    pthread_mutex_unlock(&shared->mutex);
}

struct embedder_tuning shared_tuner_get(struct shared_tuner *shared, const struct encoder *encoder)
{
    struct embedder_tuning tuning = {0};
    pthread_mutex_lock(&shared->mutex);
    tuning.n_batch_tokens = shared->tuner.n_tokens;
    tuning.tokens_per_second = shared->tuner.rate;
    snprintf(tuning.since, sizeof tuning.since, "%s", shared->since);
    pthread_mutex_unlock(&shared->mutex);
    tuning.bytes_a_thread = encoder_scratch_bytes(encoder, tuning.n_batch_tokens);
    return tuning;
}
