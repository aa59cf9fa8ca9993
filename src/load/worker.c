/* load/worker.c - the parent's side: one child that parses document after document.
 *
 * The child is replaced after every failure but a plain refusal (empty, binary), and after
 * N_DOCUMENTS: what one document did to it can't reach far. Its time is measured from here, so that
 * a taken-over child can't stretch it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/trace.h"
#include "load/document.h"
#include "load/jail.h"
#include "load/load.h"
#include "load/request.h"
#include "load/sniff.h"
#include "load/worker_internal.h"

#define N_DOCUMENTS 500
#define POLL_MS 50
#define IDLE_BYTES \
    (24 * RAGGED_MIB) /* what a parser has before its first document, and some room */

struct load_worker {                    /* one thread at a time */
    char *program, *pdfium, *pdftotext; /* owned; pdfium, pdftotext: NULL without */
    size_t limit_bytes;
    int wall_ms, cpu_s;
    struct process process;
    int socket_fd; /* -1 while no child runs */
    clockid_t cpu_clock;
    unsigned n_documents; /* given to this child */
    size_t allowed_bytes; /* 0: no limit but the jail's */
};

struct session { /* one document at the child */
    struct document_builder builder;
    struct buf bytes; /* received, not decoded yet */
    int64_t deadline_ms, cpu_end_ms;
    const struct cancel *cancel;
};

static enum status find_pdf_reader(struct load_worker *worker, const char *given)
{
    if (given && given[0]) {
        worker->pdfium = mem_text(given);
        return worker->pdfium ? STATUS_OK : STATUS_NOMEM;
    }
    if (given || load_pdfium_path(&worker->pdfium, NULL))
        worker->pdftotext = load_pdftotext_path();
    return STATUS_OK;
}

enum status load_worker_new(const struct load_options *options, struct load_worker **out,
                            struct error *err)
{
    struct load_worker *worker = mem_zalloc(1, sizeof *worker);
    if (!worker)
        return error_nomem(err);
    worker->socket_fd = -1;
    worker->limit_bytes = options->limit_bytes ? options->limit_bytes : RAGGED_LIMIT_FILE;
    worker->wall_ms = options->wall_ms ? options->wall_ms : RAGGED_LIMIT_WORKER_WALL_MS;
    worker->cpu_s = options->cpu_s ? options->cpu_s : RAGGED_LIMIT_WORKER_CPU_S;
    enum status status = STATUS_OK;
    if (!options->worker_path)
        status = load_worker_path(&worker->program, err);
    else if (!(worker->program = mem_text(options->worker_path)))
        status = error_nomem(err);
    if (!status && find_pdf_reader(worker, options->pdfium_path))
        status = error_nomem(err);
    if (status)
        load_worker_free(worker);
    else
        *out = worker;
    return status;
}

static void stop(struct load_worker *worker, int *out_wait_status)
{
    if (worker->socket_fd >= 0)
        close(worker->socket_fd);
    worker->socket_fd = -1;
    process_stop(&worker->process, out_wait_status);
}

void load_worker_free(struct load_worker *worker)
{
    if (!worker)
        return;
    stop(worker, NULL);
    mem_free(worker->program);
    mem_free(worker->pdfium);
    mem_free(worker->pdftotext);
    mem_free(worker);
}

static enum status start(struct load_worker *worker, struct error *err)
{
    const char *const argv[] = {worker->program, worker->pdfium ? "--pdfium" : NULL, worker->pdfium,
                                NULL};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_errno(err, errno, "could not make a socket for the parser");
    enum status status = process_start(&(struct process_options){.argv = argv,
                                                                 .extra_fd = pair[1],
                                                                 .errors = PROCESS_ERRORS_QUIET},
                                       &worker->process, err);
    close(pair[1]);
    if (status) {
        close(pair[0]);
        return status;
    }
    worker->socket_fd = pair[0];
    worker->n_documents = 0;
    if (clock_getcpuclockid(worker->process.pid, &worker->cpu_clock))
        worker->cpu_clock = CLOCK_MONOTONIC; /* stricter: wall time */
    return STATUS_OK;
}

void load_worker_allow(struct load_worker *worker, size_t n_bytes)
{
    worker->allowed_bytes = n_bytes;
}

/* From outside and for each document: the jail has no call that could change it. */
static void limit_memory(const struct load_worker *worker)
{
    struct rlimit limit; /* an inherited hard one can't be raised */
    if (prlimit(worker->process.pid, RLIMIT_DATA, NULL, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    if (worker->allowed_bytes && !JAIL_IS_SANITIZED)
        limit.rlim_cur = size_min(worker->allowed_bytes + IDLE_BYTES, limit.rlim_max);
    (void)prlimit(worker->process.pid, RLIMIT_DATA, &limit, NULL);
}

static enum status explain_memory(const struct load_worker *worker, struct error *err)
{
    size_t n_bytes = worker->allowed_bytes ? worker->allowed_bytes : RAGGED_LIMIT_WORKER_AS;
    error_set(err, STATUS_LIMIT, "parsing it takes more than %zu MiB of memory", n_bytes >> 20);
    if (worker->allowed_bytes)
        error_hint(err, "--max-memory or the setting max_memory allows more");
    return STATUS_LIMIT;
}

static int64_t cpu_ms(const struct load_worker *worker)
{
    struct timespec used = {0};
    if (clock_gettime(worker->cpu_clock, &used))
        return 0; /* it ended: the read will tell */
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static enum status check_time(const struct load_worker *worker, const struct session *session,
                              struct error *err)
{
    if (is_cancelled(session->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    if (clock_monotonic_ms() >= session->deadline_ms)
        return error_set(err, STATUS_LIMIT, "parsing took longer than %d s",
                         (worker->wall_ms + 999) / 1000);
    if (cpu_ms(worker) >= session->cpu_end_ms)
        return error_set(err, STATUS_LIMIT, "parsing took more than %d s of processor time",
                         worker->cpu_s);
    return STATUS_OK;
}

/* Why the child ended without a word. */
static enum status explain_end(struct load_worker *worker, struct error *err)
{
    int wait_status = 0;
    if (!process_wait(&worker->process, 1000, &wait_status))
        return error_set(err, STATUS_CRASHED, "the parser closed its output");
    if (!WIFSIGNALED(wait_status))
        return error_set(err, STATUS_CRASHED, "the parser ended early (code %d)",
                         WEXITSTATUS(wait_status));
    if (WTERMSIG(wait_status) == SIGSYS)
        return error_set(err, STATUS_CRASHED, "the parser tried something forbidden and was ended");
    return error_set(err, STATUS_CRASHED, "the parser crashed (signal %d, %s)",
                     WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
}

/* Decodes the whole records among the received bytes. */
static enum status decode(struct session *session, struct error *err)
{
    size_t n_done = 0;
    enum status status = STATUS_OK;
    while (!status && !session->builder.has_ended) {
        struct record record;
        ptrdiff_t n =
            record_take(buf_text(&session->bytes) + n_done, session->bytes.len - n_done, &record);
        if (n < 0)
            status = error_set(err, STATUS_CRASHED, "the parser sent a malformed record");
        if (n <= 0)
            break;
        n_done += (size_t)n;
        status = document_add(&session->builder, &record, err);
    }
    if (!status && session->builder.has_ended && n_done < session->bytes.len)
        status = error_set(err, STATUS_CRASHED, "the parser sent more than the document");
    if (n_done > 0) {
        memmove(session->bytes.data, session->bytes.data + n_done, session->bytes.len - n_done);
        buf_truncate(&session->bytes, session->bytes.len - n_done);
    }
    return status;
}

static enum status receive(struct load_worker *worker, struct session *session, struct error *err)
{
    char block[64 * 1024];
    while (!session->builder.has_ended) {
        enum status status = check_time(worker, session, err);
        if (status)
            return status;
        ssize_t n = process_read(&worker->process, block, sizeof block, POLL_MS);
        if (n == -1)
            continue;
        if (n == -2)
            return error_errno(err, errno, "could not read from the parser");
        if (n == 0)
            return explain_end(worker, err);
        buf_append(&session->bytes, block, (size_t)n);
        status = buf_status(&session->bytes, err);
        if (!status)
            status = decode(session, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* An idle child says nothing: bytes now, or the end, mean that it is not to be trusted. */
static bool is_quiet(struct load_worker *worker)
{
    char byte;
    return process_read(&worker->process, &byte, 1, 0) == -1;
}

static enum status send_document(struct load_worker *worker, int fd, const struct request *request,
                                 struct error *err)
{
    if (worker->socket_fd >= 0 && !is_quiet(worker))
        stop(worker, NULL);
    if (worker->socket_fd < 0) {
        enum status status = start(worker, err);
        if (status)
            return status;
    }
    worker->n_documents++;
    limit_memory(worker);
    if (!request_send(worker->socket_fd, request, fd))
        return errno == EPIPE || errno == ECONNRESET
                   ? explain_end(worker, err)
                   : error_errno(err, errno, "could not hand the document to the parser");
    return STATUS_OK;
}

static void set_extension(struct request *request, const char *extension)
{
    if (strlen(extension) < sizeof request->extension)
        memcpy(request->extension, extension, strlen(extension));
}

static enum status run_request(struct load_worker *worker, int fd, const struct request *request,
                               const struct cancel *cancel, struct arena *arena,
                               struct load_document *out, struct error *err)
{
    struct session session = {.cancel = cancel,
                              .deadline_ms = clock_monotonic_ms() + worker->wall_ms};
    document_init(&session.builder, arena);
    session.builder.is_part = request->is_part;
    session.bytes.limit_bytes = RAGGED_LIMIT_RECORD + RAGGED_MIB;
    enum status status = send_document(worker, fd, request, err);
    if (!status) {
        session.cpu_end_ms = cpu_ms(worker) + (int64_t)worker->cpu_s * 1000;
        status = receive(worker, &session, err);
    }
    if (status == STATUS_NOMEM && session.builder.has_failed)
        status = explain_memory(worker, err);
    bool is_worker_good = session.builder.has_ended || session.builder.was_refused;
    if (!status)
        status = document_take(&session.builder, out, err);
    if (!is_worker_good || session.bytes.len > 0 || worker->n_documents >= N_DOCUMENTS)
        stop(worker, NULL);
    buf_clear(&session.bytes);
    document_clear(&session.builder);
    return status;
}

static enum status parse_fd(struct load_worker *worker, int fd, const char *extension,
                            const struct cancel *cancel, struct arena *arena,
                            struct load_document *out, struct error *err)
{
    struct request request = {.limit_bytes = worker->limit_bytes};
    set_extension(&request, extension);
    return run_request(worker, fd, &request, cancel, arena, out, err);
}

enum status load_parse_part(struct load_worker *worker, int fd, const char *name,
                            const struct load_part *part, const struct cancel *cancel,
                            struct arena *arena, struct load_document *out, struct error *err)
{
    TRACE(TRACE_STAGE_PARSE);
    struct request request = {.is_part = true};
    uint64_t end = 0;
    set_extension(&request, path_extension(name));
    enum status status = part_range(fd, name, part, &request.offset, &end, err);
    request.limit_bytes = end - request.offset;
    if (!status)
        status = run_request(worker, fd, &request, cancel, arena, out, err);
    return status ? error_context(err, status, "\"%s\"", name) : STATUS_OK;
}

static bool looks_like_pdf(int fd, const char *name)
{
    char head[1024];
    ssize_t n = pread(fd, head, sizeof head, 0);
    return n > 0 && sniff_is_pdf((struct span){head, (size_t)n}, path_extension(name));
}

/* Without pdfium the text comes from pdftotext, and is cut into blocks by the jailed worker like
 * any other input. */
static enum status parse_with_pdftotext(struct load_worker *worker, int fd,
                                        const struct cancel *cancel, struct arena *arena,
                                        struct load_document *out, struct error *err)
{
    struct buf text = {.limit_bytes = RAGGED_LIMIT_TEXT};
    enum status status =
        pdftotext_run(worker->program, worker->pdftotext, fd, worker->wall_ms, cancel, &text, err);
    int text_fd = -1;
    if (!status && (text_fd = memfd_create("pdf text", MFD_CLOEXEC)) < 0)
        status = error_errno(err, errno, "could not make a memory file");
    if (!status)
        status = file_write_fd(text_fd, "pdf text", buf_text(&text), text.len, err);
    if (!status)
        status = parse_fd(worker, text_fd, EXTENSION_PDF_TEXT, cancel, arena, out, err);
    if (text_fd >= 0)
        close(text_fd);
    buf_clear(&text);
    return status;
}

static enum status check_file(const struct load_worker *worker, int fd, const char *name,
                              struct error *err)
{
    struct file_info info;
    enum status status = file_stat_fd(fd, name, &info, err);
    if (status)
        return status;
    if (!info.is_regular)
        return error_set(err, STATUS_INVALID, "not a regular file");
    if (info.size_bytes > worker->limit_bytes)
        return error_set(err, STATUS_LIMIT, "larger than %zu MiB",
                         worker->limit_bytes / RAGGED_MIB);
    if (info.size_bytes == 0)
        return error_set(err, STATUS_INVALID, "empty: there is no text in it");
    return STATUS_OK;
}

enum status load_parse(struct load_worker *worker, int fd, const char *name,
                       const struct cancel *cancel, struct arena *arena, struct load_document *out,
                       struct error *err)
{
    TRACE(TRACE_STAGE_PARSE);
    enum status status = check_file(worker, fd, name, err);
    if (!status && worker->pdftotext && looks_like_pdf(fd, name))
        status = parse_with_pdftotext(worker, fd, cancel, arena, out, err);
    else if (!status)
        status = parse_fd(worker, fd, path_extension(name), cancel, arena, out, err);
    return status ? error_context(err, status, "\"%s\"", name) : STATUS_OK;
}
