/* load/pdftotext.c - the reader of PDFs when libpdfium is not there; never linked, always jailed.
 */
#include "base/clock.h"
#include "base/process.h"
#include "load/worker_internal.h"

#include <sys/wait.h>

static enum status explain_end(int wait_status, struct error *err)
{
    if (WIFSIGNALED(wait_status))
        return error_set(err, STATUS_CRASHED, "pdftotext crashed (signal %d)",
                         WTERMSIG(wait_status));
    switch (WEXITSTATUS(wait_status)) {
    case 0:
        return STATUS_OK;
    case 1: /* could not open: damaged, or a password is needed */
        return error_set(err, STATUS_FORMAT, "damaged, encrypted, or not a PDF");
    case 3:
        return error_set(err, STATUS_INVALID, "encrypted: its text may not be extracted");
    default:
        return error_set(err, STATUS_CRASHED, "pdftotext failed (code %d)",
                         WEXITSTATUS(wait_status));
    }
}

enum status pdftotext_run(const char *worker_path, const char *pdftotext_path, int document_fd,
                          int timeout_ms, const struct cancel *cancel, struct buf *out,
                          struct error *err)
{
    const char *const argv[] = {worker_path, "--pdftotext", pdftotext_path, NULL};
    struct process process;
    enum status status = process_start(&(struct process_options){.argv = argv,
                                                                 .extra_fd = document_fd,
                                                                 .errors = PROCESS_ERRORS_QUIET},
                                       &process, err);
    if (status)
        return status;
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    char block[16 * 1024];
    ssize_t n;
    while (!status && (n = process_read(&process, block, sizeof block, 100)) != 0 && n != -2) {
        if (is_cancelled(cancel))
            status = error_set(err, STATUS_CANCELLED, "stopped");
        else if (clock_monotonic_ms() >= deadline_ms)
            status =
                error_set(err, STATUS_LIMIT, "parsing took longer than %d s", timeout_ms / 1000);
        else if (n > 0)
            buf_append(out, block, (size_t)n);
        if (!status)
            status = buf_status(out, err);
    }
    int wait_status = 0;
    if (status)
        process_stop(&process, NULL);
    else
        process_wait(&process, 2000, &wait_status);
    return status ? status : explain_end(wait_status, err);
}
