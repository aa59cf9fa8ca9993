#include "app/place.h"

#include <stdlib.h>
#include <string.h>

#include "app/safe_text.h"

static void append_escaped_path(struct buf *out, const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~/";
    for (; *path; path++) {
        if (strchr(plain, *path))
            buf_append_char(out, *path);
        else
            buf_printf(out, "%%%02X", (unsigned char)*path);
    }
}

static void append_file_uri(struct buf *out, const struct engine_hit *hit)
{
    buf_append_text(out, "file://");
    append_escaped_path(out, hit->path);
    if (hit->page)
        buf_printf(out, "#page=%u", hit->page);
}

/* RAGGED_EDITOR_URI, e.g. "vscode://file{path}:{line}". */
static void append_template(struct buf *out, const char *template, const struct engine_hit *hit)
{
    while (*template) {
        if (strncmp(template, "{path}", 6) == 0) {
            append_escaped_path(out, hit->path);
            template += 6;
        } else if (strncmp(template, "{line}", 6) == 0) {
            buf_printf(out, "%u", hit->line ? hit->line : 1);
            template += 6;
        } else if (strncmp(template, "{page}", 6) == 0) {
            buf_printf(out, "%u", hit->page ? hit->page : 1);
            template += 6;
        } else {
            buf_append_char(out, *template ++);
        }
    }
}

void place_print(struct output *out, const struct engine_hit *hit, bool is_short)
{
    if (out->is_tty) {
        const char *template = getenv("RAGGED_EDITOR_URI");
        struct buf uri = {0};
        if (template && *template)
            append_template(&uri, template, hit);
        else
            append_file_uri(&uri, hit);
        if (output_accepts(out, &uri))
            output_link(out, buf_text(&uri));
        buf_clear(&uri);
    }
    output_name(out, is_short ? hit->short_path : hit->path);
    if (hit->page && hit->page_end > hit->page)
        output_printf(out, ", p. %u-%u", hit->page, hit->page_end);
    else if (hit->page)
        output_printf(out, ", p. %u", hit->page);
    else if (hit->line && hit->line_end > hit->line)
        output_printf(out, ":%u-%u", hit->line, hit->line_end);
    else if (hit->line)
        output_printf(out, ":%u", hit->line);
    output_link(out, NULL);
}

json_t *place_uri_json(const struct engine_hit *hit)
{
    struct buf uri = {0};
    append_file_uri(&uri, hit);
    json_t *json = uri.failed ? NULL : json_text(buf_text(&uri));
    buf_clear(&uri);
    return json;
}

static json_t *number_or_null(uint64_t number)
{
    return number ? json_integer((json_int_t)number) : json_null();
}

bool place_put(json_t *object, const struct engine_hit *hit)
{
    bool has_bytes = hit->byte_end > hit->byte_start;
    return json_put(object, "page", number_or_null(hit->page)) &&
           json_put(object, "line_start", number_or_null(hit->line)) &&
           json_put(object, "line_end", number_or_null(hit->line_end)) &&
           json_put(object, "byte_start",
                    has_bytes ? json_integer((json_int_t)hit->byte_start) : json_null()) &&
           json_put(object, "byte_end",
                    has_bytes ? json_integer((json_int_t)hit->byte_end) : json_null());
}

json_t *place_snippet_json(const char *text, size_t len, size_t n_max)
{
    struct buf snippet = {0};
    safe_text_squeeze(&snippet, text, len, n_max);
    json_t *json = snippet.failed ? NULL : json_text(buf_text(&snippet));
    buf_clear(&snippet);
    return json;
}

void place_print_snippet(struct output *out, const char *text, size_t len, size_t n_max)
{
    struct buf snippet = {0};
    safe_text_squeeze(&snippet, text, len, n_max);
    if (output_accepts(out, &snippet))
        output_name(out, buf_text(&snippet));
    buf_clear(&snippet);
}
