/* health/health.h - what is wrong, and what to do about it. */
#ifndef RAGGED_HEALTH_HEALTH_H
#define RAGGED_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"
#include "engine/engine.h"

struct engine;

/* DEGRADED: it works, but worse than it could, or will not for long. */
enum engine_health { ENGINE_HEALTHY, ENGINE_DEGRADED_HEALTH, ENGINE_UNHEALTHY };
const char *engine_health_name(enum engine_health health);

struct engine_health_check {
    const char *name; /* "disk", ...; static */
    enum engine_health health;
    char evidence[400]; /* what was seen; "" never */
    char remedy[400];   /* what to do; "" when there is nothing to do */
    int64_t took_us;
    bool is_fixed; /* it was not healthy, and now it is */
};

struct engine_health_options {
    bool is_deep; /* contents too: hashes, every index, questions with known answers */
    bool is_fix;  /* what is safe to repair is repaired */
    const char
        *log_path; /* base/log.h; what was before is known from it. NULL: nothing is logged */
    const char *config_path; /* the user's settings; NULL: there is no place for them */
    size_t n_settings;       /* in that file */
    bool has_secret;         /* one of them is */
    const struct cancel *cancel;
    void (*each)(void *ctx, const struct engine_health_check *check); /* in their order */
    void *ctx;
};
/* Every check is made, whatever the others found; *out is the worst. Nothing is created. */
enum status engine_check_health(struct engine *engine, const struct engine_health_options *options,
                                enum engine_health *out, struct error *err) MUST_USE;

#endif
