/* ragged-parse: the jailed parser of untrusted documents.
 *
 *     ragged-parse [--pdfium LIBRARY]   documents come as packets on descriptor 3 (load/request.h),
 *                                       records go to standard output (load/record.h)
 *     ragged-parse --pdftotext PROGRAM  becomes `pdftotext -raw` on descriptor 3, in a jail
 *
 * Started by ragged, of no use by hand. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "load/jail.h"
#include "load/loader.h"
#include "load/request.h"
#include "load/sniff.h"

#define HEAD_BYTES RAGGED_MIB /* as much as a character set is guessed from */

struct parser {
    struct encodings encodings;
    struct pdfium pdfium;
    bool has_pdfium;
    enum status jail_status; /* when not OK every document is refused with jail_error */
    struct error jail_error;
};

/* Appends what is at [offset, offset + n_max), or up to the end of the file. pread into memory,
 * never a mapping: the file may shrink meanwhile. */
static enum status read_range(int fd, uint64_t offset, uint64_t n_max, struct buf *out,
                              struct error *err)
{
    char block[64 * 1024];
    uint64_t n_read = 0;
    while (n_read < n_max) {
        size_t n_wanted = n_max - n_read < sizeof block ? (size_t)(n_max - n_read) : sizeof block;
        ssize_t n = pread(fd, block, n_wanted, (off_t)(offset + n_read));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "could not read it");
        if (n == 0)
            break;
        buf_append(out, block, (size_t)n);
        n_read += (uint64_t)n;
        enum status status = buf_status(out, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status read_document(int fd, uint64_t limit_bytes, struct buf *out, struct error *err)
{
    enum status status = read_range(fd, 0, limit_bytes + 1, out, err);
    if (!status && out->len > limit_bytes)
        return error_set(err, STATUS_LIMIT, "larger than %llu MiB",
                         (unsigned long long)(limit_bytes / RAGGED_MIB));
    return status;
}

/* Each part behind the first one gets the mark that only the first one has. */
static enum status read_part(int fd, const struct request *request, struct buf *out_head,
                             struct buf *out, struct error *err)
{
    enum status status = read_range(fd, 0, HEAD_BYTES, out_head, err);
    if (status)
        return status;
    const struct sniff_mark *mark = sniff_mark((struct span){buf_text(out_head), out_head->len});
    if (mark && request->offset > 0)
        buf_append(out, mark->bytes, mark->len);
    return read_range(fd, request->offset, request->limit_bytes, out, err);
}

static void answer(const struct parser *parser, const struct request *request, int document_fd)
{
    struct sink sink;
    struct buf bytes = {0}, head = {0};
    struct error err = parser->jail_error;
    enum status status = parser->jail_status;
    sink_init(&sink, STDOUT_FILENO);
    if (!status)
        status = request->is_part ? read_part(document_fd, request, &head, &bytes, &err)
                                  : read_document(document_fd, request->limit_bytes, &bytes, &err);
    if (!status) {
        struct loader_input input = {
            .bytes = buf_text(&bytes),
            .len = bytes.len,
            .extension = request->extension,
            .encodings = &parser->encodings,
            .pdfium = parser->has_pdfium ? &parser->pdfium : NULL,
            .is_part = request->is_part,
            .head = {buf_text(&head), head.len},
        };
        status = loader_run(&input, &sink, &err);
    }
    if (status)
        sink_fail(&sink, status, &err);
    sink_clear(&sink);
    buf_clear(&bytes);
    buf_clear(&head);
}

static int serve(struct parser *parser)
{
    struct request request;
    int document_fd, rc;
    while ((rc = request_receive(REQUEST_FD, &request, &document_fd)) > 0) {
        answer(parser, &request, document_fd);
        close(document_fd);
    }
    return rc < 0;
}

/* Keys and tokens of the user have no place in a process that may be taken over. */
static void forget_environment(void)
{
    for (char **at = environ; at && *at; at++)
        explicit_bzero(*at, strlen(*at));
    clearenv();
}

static int become_pdftotext(const char *program)
{
    struct error err;
    const char *const argv[] = {program, "-raw", "-enc", "UTF-8", "-", "-", NULL};
    const char *const no_environment[] = {NULL};
    if (dup2(REQUEST_FD, STDIN_FILENO) < 0 || close(REQUEST_FD) || jail_enter_for_exec(&err))
        return 1;
    execve(program, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)no_environment);
    return 1;
}

int main(int argc, char **argv)
{
    struct parser parser = {0};
    if (argc == 3 && strcmp(argv[1], "--pdftotext") == 0)
        return become_pdftotext(argv[2]);
    if (fcntl(REQUEST_FD, F_GETFD) < 0) {
        fputs("ragged-parse is started by ragged; it reads documents from a socket\n", stderr);
        return 2;
    }
    encodings_open(&parser.encodings);
    if (argc == 3 && strcmp(argv[1], "--pdfium") == 0)
        parser.has_pdfium = pdfium_load(argv[2], &parser.pdfium, NULL) == STATUS_OK;
    forget_environment();
    parser.jail_status = jail_enter(&parser.jail_error);
    return serve(&parser);
}
