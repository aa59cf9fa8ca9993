/* embed/shared_tuner.h - the tuner of one native embedder: told by all its threads, remembered in
 * the model's folder. Bulk work finds the size of micro-batches, other work takes what was found.
 */
#ifndef RAGGED_EMBED_SHARED_TUNER_H
#define RAGGED_EMBED_SHARED_TUNER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "embed/embed.h"
#include "embed/tuner.h"
#include "nn/nn.h"

struct shared_tuner {
    char *folder;   /* of tuning.json, owned */
    struct buf key; /* in it */
    bool is_tuning; /* bulk work, and nothing was known */
    pthread_mutex_t mutex;
    struct tuner tuner; /* by mutex */
    char since[32];     /* by mutex */
};

enum shared_tuner_mode {
    SHARED_TUNER_OFF,  /* the usual size; nothing is read and nothing measured */
    SHARED_TUNER_USE,  /* what was found before */
    SHARED_TUNER_FIND, /* what is not known is found out */
};
/* NOMEM; clear it all the same. */
enum status shared_tuner_init(struct shared_tuner *shared, const struct encoder *encoder,
                              const char *folder, enum shared_tuner_mode mode,
                              struct error *err) MUST_USE;
/* What was found is left for the next process. */
void shared_tuner_clear(struct shared_tuner *shared);

/* The size to take now. */
size_t shared_tuner_n_tokens(struct shared_tuner *shared);
void shared_tuner_tell(struct shared_tuner *shared, struct tuner_event event);
struct embedder_tuning shared_tuner_get(struct shared_tuner *shared, const struct encoder *encoder);

#endif
