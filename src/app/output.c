#include "app/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/safe_text.h"
#include "base/mem.h"

void output_init(struct output *out, FILE *file, bool is_color_wanted)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool is_tty = isatty(fileno(file)) == 1;
    bool is_plain = (no_color && *no_color) || (term && strcmp(term, "dumb") == 0);
    *out = (struct output){
        .file = file,
        .is_tty = is_tty,
        .has_color = is_tty && is_color_wanted && !is_plain,
    };
}

static void fail(struct output *out, int errnum)
{
    if (!out->failed)
        out->failed = errnum;
}

bool output_accepts(struct output *out, const struct buf *buf)
{
    if (buf->failed)
        fail(out, ENOMEM);
    return !buf->failed;
}

static void write_bytes(struct output *out, const char *bytes, size_t len)
{
    if (out->failed || out->is_muted || len == 0)
        return;
    if (fwrite(bytes, 1, len, out->file) != len)
        fail(out, errno ? errno : EIO);
}

static void write_safe(struct output *out, const char *text, size_t len, enum safe_form form)
{
    struct buf safe = {0};
    safe_text_append(&safe, text, len, form);
    if (output_accepts(out, &safe))
        write_bytes(out, buf_text(&safe), safe.len);
    buf_clear(&safe);
}

void output_text(struct output *out, const char *text, size_t len)
{
    write_safe(out, text, len, SAFE_FORM_TEXT);
}

void output_puts(struct output *out, const char *text)
{
    output_text(out, text, strlen(text));
}

void output_name(struct output *out, const char *name)
{
    write_safe(out, name, strlen(name), SAFE_FORM_LINE);
}

void output_printf(struct output *out, const char *format, ...)
{
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, format, args);
    char *large = len >= (int)sizeof small ? mem_alloc((size_t)len + 1) : NULL;
    if (large)
        vsnprintf(large, (size_t)len + 1, format, again);
    if (len < 0 || (len >= (int)sizeof small && !large))
        fail(out, ENOMEM);
    else
        output_text(out, large ? large : small, (size_t)len);
    mem_free(large);
    va_end(again);
    va_end(args);
}

void output_json(struct output *out, const char *text, size_t len)
{
    write_safe(out, text, len, SAFE_FORM_JSON);
}

void output_path(struct output *out, const char *path)
{
    if (out->is_tty)
        output_name(out, path);
    else
        write_bytes(out, path, strlen(path));
}

void output_bytes(struct output *out, const void *bytes, size_t len)
{
    write_bytes(out, bytes, len);
}

void output_style(struct output *out, enum output_style style)
{
    static const char *const codes[OUTPUT_STYLE_COUNT] = {
        [OUTPUT_STYLE_PLAIN] = "\033[0m",   [OUTPUT_STYLE_BOLD] = "\033[1m",
        [OUTPUT_STYLE_DIM] = "\033[2m",     [OUTPUT_STYLE_ERROR] = "\033[31m",
        [OUTPUT_STYLE_ACCENT] = "\033[36m",
    };
    if (out->has_color)
        write_bytes(out, codes[style], strlen(codes[style]));
}

void output_erase_line(struct output *out)
{
    static const char erase[] = "\r\033[K";
    if (out->is_tty)
        write_bytes(out, erase, sizeof erase - 1);
}

void output_link(struct output *out, const char *uri)
{
    static const char begin[] = "\033]8;;", end[] = "\033\\";
    if (!out->is_tty)
        return;
    write_bytes(out, begin, sizeof begin - 1);
    if (uri)
        output_name(out, uri);
    write_bytes(out, end, sizeof end - 1);
}

void output_flush(struct output *out)
{
    if (!out->failed && fflush(out->file) != 0)
        fail(out, errno);
}

enum status output_finish(struct output *out, const char *name, struct error *err)
{
    output_flush(out);
    if (!out->failed || out->failed == EPIPE)
        return STATUS_OK;
    return error_errno(err, out->failed, "could not write %s", name);
}
