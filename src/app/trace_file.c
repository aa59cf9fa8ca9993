#include "app/trace_file.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/draft.h"
#include "base/trace_data.h"

#define BLOCK_BYTES ((size_t)64 * 1024)

struct writer {
    struct draft draft;
    struct buf block;
    int process_id;
};

static enum status flush(struct writer *w, size_t longer_than_bytes, struct error *err)
{
    if (w->block.len <= longer_than_bytes && !w->block.failed)
        return STATUS_OK;
    enum status status = buf_status(&w->block, err);
    if (!status)
        status = draft_append(&w->draft, w->block.data, w->block.len, err);
    buf_reset(&w->block);
    return status;
}

static void append_name(struct writer *w, const char *kind, unsigned thread, const char *name)
{
    buf_printf(&w->block,
               "{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"%s\",\"args\":{\"name\":\"%s\"}},\n",
               w->process_id, thread, kind, name);
}

/* Threads have no names; what one began with says what it is for. */
static void append_thread(struct writer *w, const struct trace_thread *thread)
{
    char name[48];
    const char *first = thread->n_nodes > 1 ? trace_stage_name(thread->nodes[1].stage) : "idle";
    snprintf(name, sizeof name, "%s (thread %u)", thread->number ? first : "main", thread->number);
    append_name(w, "thread_name", thread->number, name);
}

/* Microseconds, to the nanosecond. */
static void append_event(struct writer *w, unsigned thread, const struct trace_event *event)
{
    buf_printf(&w->block,
               "{\"ph\":\"X\",\"pid\":%d,\"tid\":%u,\"cat\":\"stage\",\"name\":\"%s\","
               "\"ts\":%lld.%03d,\"dur\":%lld.%03d},\n",
               w->process_id, thread, trace_stage_name(event->stage),
               (long long)(event->begun_ns / 1000), (int)(event->begun_ns % 1000),
               (long long)(event->wall_ns / 1000), (int)(event->wall_ns % 1000));
}

static enum status write_events(struct writer *w, const char *command, struct error *err)
{
    char name[64];
    enum status status = STATUS_OK;
    buf_append_text(&w->block, "{\"traceEvents\":[\n");
    for (const struct trace_thread *t = trace_first_thread(); t && !status; t = t->next) {
        append_thread(w, t);
        for (size_t i = 0; i < t->n_events && !status; i++) {
            append_event(w, t->number, &t->events[i]);
            status = flush(w, BLOCK_BYTES, err);
        }
    }
    snprintf(name, sizeof name, "ragged%s%s", *command ? " " : "", command);
    append_name(w, "process_name", 0, name);
    buf_truncate(&w->block, w->block.len - 2); /* no comma behind the last one */
    return status;
}

static void append_end(struct writer *w, const struct trace_context *context)
{
    char trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];
    struct trace_losses lost = trace_losses();
    trace_context_ids(context, trace_id, span_id);
    buf_printf(&w->block,
               "\n],\"displayTimeUnit\":\"ms\",\"otherData\":{\"version\":\"ragged " RAGGED_VERSION
               "\",\"trace\":\"%s\",\"run\":\"%s\",\"lost_spans\":%llu,\"lost_events\":%llu}}\n",
               trace_id, span_id, (unsigned long long)lost.n_spans,
               (unsigned long long)lost.n_events);
}

enum status trace_file_write(const char *path, const struct trace_context *context,
                             const char *command, struct error *err)
{
    struct writer w = {.process_id = (int)getpid()};
    struct file_info info;
    enum status status = draft_open(&w.draft, path, 0600, err);
    if (!status)
        status = write_events(&w, command, err);
    if (!status) {
        append_end(&w, context);
        status = flush(&w, 0, err);
    }
    if (!status)
        status = draft_publish(&w.draft, &info, err);
    draft_discard(&w.draft);
    buf_clear(&w.block);
    return status ? error_context(err, status, "the trace") : STATUS_OK;
}
