/* embed/tuning.h - what the tuner found on this machine, kept in "tuning.json" beside the model.
 * The file may be deleted at any time; whatever is wrong in it is as if it was not there. Any
 * thread. */
#ifndef RAGGED_EMBED_TUNING_H
#define RAGGED_EMBED_TUNING_H

#include <stdbool.h>
#include <stddef.h>

struct tuning {
    size_t n_tokens; /* of a micro-batch */
    double rate;     /* tokens a second of one thread */
    char since[32];  /* UTC */
};

/* `key` names what was measured: kernel, processors, model. False: nothing is known of it. */
bool tuning_read(const char *folder, const char *key, struct tuning *out);
/* Replaces the entry of `key` and leaves the others. What cannot be written is found out again. */
void tuning_write(const char *folder, const char *key, const struct tuning *tuning);

#endif
