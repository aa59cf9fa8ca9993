#include "app/monitor_watch.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "app/monitor_look.h"
#include "app/monitor_screen.h"
#include "app/signals.h"
#include "base/clock.h"
#include "base/mem.h"

/* A signal may come just before a wait begins, or to another thread. */
#define WAIT_MS_MAX 500

struct watch {
    struct monitor_look look;
    struct monitor_screen screen;
    struct monitor_model model;
    struct monitor_sample sample;
    struct monitor_face face;
    size_t n_room;           /* operations that the screen has room for */
    int64_t next_ms, end_ms; /* monotonic; end_ms 0: none */
    bool has_ended;
};

/* ---- keys ---- */

static void change_interval(struct watch *watch, int step)
{
    static const double steps[] = {.1, .2, .5, 1, 2, 5, 10, 30, 60};
    enum { N_STEPS = sizeof steps / sizeof steps[0] };
    int i = 0;
    while (i + 1 < N_STEPS && steps[i] < watch->face.interval_s)
        i++;
    i += step;
    watch->face.interval_s = steps[i < 0 ? 0 : i >= N_STEPS ? N_STEPS - 1 : i];
    watch->next_ms = clock_monotonic_ms();
}

static void scroll(struct watch *watch, int step)
{
    size_t n_max = watch->model.n_rows > watch->n_room ? watch->model.n_rows - watch->n_room : 0;
    size_t *first = &watch->face.first;
    if (step < 0)
        *first -= *first > 0;
    else
        *first += *first < n_max;
    if (*first > n_max)
        *first = n_max;
}

static void type(struct watch *watch, int key)
{
    char *filter = watch->model.filter;
    size_t len = strlen(filter);
    if (key == MONITOR_KEY_ESCAPE)
        filter[0] = '\0';
    else if (key == MONITOR_KEY_BACK)
        filter[len ? len - 1 : 0] = '\0';
    else if (key < MONITOR_KEY_OTHER && len + 1 < sizeof watch->model.filter) {
        filter[len] = (char)key;
        filter[len + 1] = '\0';
    }
    watch->face.is_typing = key != MONITOR_KEY_ENTER && key != MONITOR_KEY_ESCAPE;
}

static void obey(struct watch *watch, int key)
{
    struct monitor_model *model = &watch->model;
    switch (key) {
    case 'q':
        watch->has_ended = true;
        break;
    case 'p':
        watch->face.is_paused = !watch->face.is_paused;
        break;
    case 's':
        model->sort = (model->sort + 1) % MONITOR_SORT_COUNT;
        break;
    case 'l':
        model->is_recent = !model->is_recent;
        break;
    case '/':
        watch->face.is_typing = true;
        break;
    case 'h':
    case '?':
        watch->face.is_helping = !watch->face.is_helping;
        break;
    case MONITOR_KEY_ESCAPE:
        watch->face.is_helping = false;
        break;
    case '+':
        change_interval(watch, 1);
        break;
    case '-':
        change_interval(watch, -1);
        break;
    case MONITOR_KEY_UP:
        scroll(watch, -1);
        break;
    case MONITOR_KEY_DOWN:
        scroll(watch, 1);
        break;
    default:
        break;
    }
}

static void take_keys(struct watch *watch)
{
    int key;
    while ((key = monitor_screen_key()) != MONITOR_KEY_NONE) {
        if (watch->face.is_typing)
            type(watch, key);
        else
            obey(watch, key);
        monitor_model_arrange(&watch->model);
    }
    scroll(watch, 0);
}

/* ---- the loop ---- */

/* True: somebody typed, or a signal came. */
static bool wait_for(struct watch *watch, int64_t now_ms)
{
    struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t until_ms =
        watch->end_ms && watch->end_ms < watch->next_ms ? watch->end_ms : watch->next_ms;
    int64_t ms = until_ms - now_ms;
    int n = poll(&keyboard, 1, (int)(ms < 0 ? 0 : ms > WAIT_MS_MAX ? WAIT_MS_MAX : ms));
    if (n > 0 && (keyboard.revents & (POLLHUP | POLLERR | POLLNVAL)))
        watch->has_ended = true; /* the terminal is gone */
    return n != 0;
}

static void look(struct watch *watch, int64_t now_ms)
{
    int64_t interval_ms = (int64_t)(watch->face.interval_s * 1000);
    watch->next_ms += interval_ms;
    if (watch->next_ms <= now_ms) /* it was stopped, or the machine slept */
        watch->next_ms = now_ms + interval_ms;
    if (watch->face.is_paused)
        return;
    monitor_look_take(&watch->look, &watch->sample);
    monitor_model_take(&watch->model, &watch->sample);
}

static enum status run(struct watch *watch, const struct cancel *cancel, struct error *err)
{
    bool is_changed = true;
    watch->next_ms = clock_monotonic_ms();
    while (!watch->has_ended && !is_cancelled(cancel)) {
        int64_t now_ms = clock_monotonic_ms();
        if (watch->end_ms && now_ms >= watch->end_ms)
            break;
        if (now_ms >= watch->next_ms) {
            look(watch, now_ms);
            is_changed = true;
        }
        if (is_changed)
            watch->n_room = monitor_screen_draw(&watch->screen, &watch->face);
        is_changed = wait_for(watch, clock_monotonic_ms());
        if (is_changed)
            take_keys(watch);
    }
    /* Ctrl-C is a way to end it as good as any. */
    return signals_received() == SIGTERM
               ? error_set(err, STATUS_CANCELLED, "the monitor was stopped")
               : STATUS_OK;
}

enum status monitor_watch(struct app *app, struct error *err)
{
    double duration_s = arguments_number(&app->arguments, "duration", 0);
    struct watch *watch = mem_zalloc(1, sizeof *watch);
    if (!watch)
        return error_nomem(err);
    enum status status = monitor_look_init(&watch->look, app, err);
    if (!status) {
        signals_guard_terminal();
        status = monitor_screen_open(&watch->screen, app->out.has_color, err);
    }
    if (!status) {
        watch->face = (struct monitor_face){
            .model = &watch->model,
            .folder = watch->look.options.data_folder,
            .interval_s = arguments_number(&app->arguments, "interval", 1),
            .has_log = watch->look.log_path != NULL,
        };
        watch->end_ms = duration_s > 0 ? clock_monotonic_ms() + (int64_t)(duration_s * 1000) : 0;
        status = run(watch, app->cancel, err);
    }
    monitor_screen_close(&watch->screen);
    monitor_look_clear(&watch->look);
    mem_free(watch);
    return status;
}
