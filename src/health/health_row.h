/* health/health_row.h - one row for each thing that is looked at. Private to health/. */
#ifndef RAGGED_HEALTH_HEALTH_ROW_H
#define RAGGED_HEALTH_HEALTH_ROW_H

#include "base/log_history.h"
#include "engine/engine_parts.h"
#include "health/health.h"
#include "library/library.h"

struct health {
    struct engine *engine;
    const char *folder;          /* the data folder */
    const char *existing_folder; /* it, or what is there of the way to it */
    const struct engine_health_options *options;
    struct engine_status library; /* has_library false: there is none, or it can't be opened */
    struct log_history history;   /* of this library; empty: nothing is known */
    struct error no_history;      /* why nothing of before can be known; OK: it can */
    int64_t now_ms;               /* wall time of the whole look */
};

/* look() says what it saw; it never fails, because not being able to look is a finding. fix(): NULL
 * when only the owner should do it. */
struct health_row {
    const char *name;
    bool is_deep_only, needs_library;
    void (*look)(struct health *health, struct engine_health_check *out);
    enum status (*fix)(struct health *health, struct error *err);
};
/* Each ends with a row without a name. */
extern const struct health_row health_machine_rows[], health_library_rows[], health_part_rows[],
    health_trend_rows[];

/* More passages in no segment make searches slow. */
#define HEALTH_TAIL_ROWS_MAX ((size_t)8 * MAINTAIN_TAIL_ROWS)

/* The finding of a look: health, evidence and, unless healthy, the remedy. */
void health_say(struct engine_health_check *out, enum engine_health health, const char *format, ...)
    PRINTF_LIKE(3, 4);
void health_remedy(struct engine_health_check *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* Evidence and remedy from what failed. */
void health_say_error(struct engine_health_check *out, enum engine_health health,
                      const struct error *why);

#endif
