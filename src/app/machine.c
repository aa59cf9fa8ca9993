#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "app/benchmark.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/thread.h"
#include "engine/engine.h"

/* The value of the first line "model name : ..." (ARM: "CPU part"); "" when there is none. */
static void find_cpu(struct buf *out)
{
    static const char *const keys[] = {"model name", "Model", "CPU part"};
    struct buf text = {0};
    if (file_read("/proc/cpuinfo", RAGGED_LIMIT_CONFIG, &text, NULL))
        buf_reset(&text);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && out->len == 0; i++) {
        const char *at = strstr(buf_text(&text), keys[i]);
        const char *colon = at ? strchr(at, ':') : NULL;
        if (!colon)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        buf_append(out, colon, strcspn(colon, "\n"));
    }
    buf_clear(&text);
}

static bool put_model(json_t *object, const struct engine_embedder_info *info)
{
    return json_put(object, "kernel", json_text(info->kernel)) &&
           json_put(object, "fingerprint", json_text(info->fingerprint)) &&
           json_put(object, "dim", json_integer((json_int_t)info->dim)) &&
           json_put(object, "micro_batch_tokens", json_integer((json_int_t)info->n_batch_tokens)) &&
           json_put(object, "threads", json_integer(info->n_threads));
}

static bool put_system(json_t *object)
{
    struct utsname name;
    struct buf cpu = {0}, system = {0};
    long n_pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    find_cpu(&cpu);
    if (uname(&name) == 0)
        buf_printf(&system, "%s %s %s", name.sysname, name.release, name.machine);
    bool is_whole = json_put(object, "cpu", json_text(buf_text(&cpu))) &&
                    json_put(object, "cores", json_integer(thread_count_usable())) &&
                    json_put(object, "memory_bytes",
                             json_integer((json_int_t)n_pages * (json_int_t)page_bytes)) &&
                    json_put(object, "system", json_text(buf_text(&system))) &&
                    json_put(object, "ragged", json_text(RAGGED_VERSION)) &&
                    json_put(object, "compiler", json_text(__VERSION__));
    buf_clear(&cpu);
    buf_clear(&system);
    return is_whole;
}

enum status machine_describe(struct app *app, json_t **out, struct error *err)
{
    struct engine_options options = config_options_without_library(&app->config);
    struct engine_embedder *embedder = NULL;
    enum status status = engine_embedder_open(&options, &embedder, err);
    if (status)
        return status;
    struct engine_embedder_info info = engine_embedder_info(embedder);
    json_t *object = json_object();
    if (object && put_system(object) && put_model(object, &info))
        *out = object;
    else {
        json_decref(object);
        status = error_nomem(err);
    }
    engine_embedder_close(embedder);
    return status;
}
