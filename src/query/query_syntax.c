#include "query/query_syntax.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "query/typed_value.h"

struct reader {
    const char *at;
    struct lexical_clause *clauses; /* [n_max] */
    size_t n_clauses, n_max;
    const char *plain; /* where a run of plain words begins; NULL: none is open */
    struct buf text, where;
    bool is_wanted; /* a clause that is not excluded */
};

/* How a field is asked for. */
enum field_form { FIELD_PART, FIELD_GLOB, FIELD_EXACT, FIELD_AFTER, FIELD_BEFORE, FIELD_META };

struct field {
    const char *name;
    enum field_form form;
};

static const struct field fields[] = {
    {"path", FIELD_GLOB},     {"name", FIELD_GLOB},        {"title", FIELD_PART},
    {"kind", FIELD_EXACT},    {"collection", FIELD_EXACT}, {"after", FIELD_AFTER},
    {"before", FIELD_BEFORE},
};
static const struct field meta_field = {"", FIELD_META};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Of any script: what is not ASCII counts as one. */
static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

static bool is_word_character(char c)
{
    return is_letter(c) || c == '_' || (c >= '0' && c <= '9');
}

static size_t token_length(const char *at)
{
    return strcspn(at, " \t\n\v\f\r");
}

/* ---- clauses ---- */

static void add_clause(struct reader *r, const char *text, size_t len,
                       enum lexical_clause_kind kind, bool is_excluded)
{
    while (len && is_blank(text[len - 1]))
        len--;
    if (len == 0 || r->n_clauses == r->n_max)
        return;
    r->clauses[r->n_clauses++] =
        (struct lexical_clause){.text = text, .len = len, .kind = kind, .is_excluded = is_excluded};
    if (is_excluded)
        return;
    r->is_wanted = true;
    if (r->text.len)
        buf_append_char(&r->text, ' ');
    buf_append(&r->text, text, len);
}

static void end_plain(struct reader *r)
{
    if (r->plain)
        add_clause(r, r->plain, (size_t)(r->at - r->plain), LEXICAL_WORDS, false);
    r->plain = NULL;
}

/* The text between the quote at at[0] and the next one, when both are quotes and not, say, inches;
 * 0: they are not. */
static size_t phrase_length(const char *at)
{
    const char *end = strchr(at + 1, '"');
    if (!end || end == at + 1 || strspn(at + 1, " \t\n\v\f\r") == (size_t)(end - at - 1))
        return 0;
    bool is_end = end[1] == '\0' || is_blank(end[1]) || strchr(".,;:!?)]}", end[1]) != NULL;
    return is_end ? (size_t)(end - at - 1) : 0;
}

/* The letters before the star of at[0..len-1]; 0: it is no prefix. */
static size_t prefix_length(const char *at, size_t len)
{
    size_t n_letters = 0;
    if (len < 3 || at[len - 1] != '*')
        return 0;
    for (size_t i = 0; i + 1 < len; i++) {
        if (!is_word_character(at[i]))
            return 0;
        n_letters += is_letter(at[i]) && ((unsigned char)at[i] & 0xC0) != 0x80;
    }
    return n_letters >= 2 ? len - 1 : 0;
}

/* ---- fields ---- */

/* The field that begins at `at`, and where its value does; NULL: none. */
static const struct field *find_field(const char *at, const char **out_value, size_t *out_n_name)
{
    size_t len = strcspn(at, ": \t\n\v\f\r\"");
    if (at[len] != ':' || at[len + 1] == '\0' || is_blank(at[len + 1]))
        return NULL;
    *out_value = at + len + 1;
    *out_n_name = len;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strlen(fields[i].name) == len && strncasecmp(at, fields[i].name, len) == 0)
            return &fields[i];
    return len > 5 && strncasecmp(at, "meta.", 5) == 0 ? &meta_field : NULL;
}

static const char *op_of(enum field_form form, const char *value, size_t len)
{
    double number;
    struct date_span date;
    switch (form) {
    case FIELD_EXACT:
        return "=";
    case FIELD_GLOB:
        for (size_t i = 0; i < len; i++)
            if (strchr("*?[", value[i]))
                return "like";
        return "~";
    case FIELD_META:
        return value_parse_number(value, len, &number) || value_parse_date(value, len, &date) ? "="
                                                                                              : "~";
    case FIELD_AFTER:
        return ">=";
    case FIELD_BEFORE:
        return "<";
    case FIELD_PART:
        break;
    }
    return "~";
}

/* Reads the field at `at` when there is one; what is behind it, or NULL. */
static const char *take_field(struct reader *r, const char *at, bool is_excluded)
{
    const char *value;
    size_t n_name;
    const struct field *field = find_field(at, &value, &n_name);
    if (!field)
        return NULL;
    size_t n_quoted = *value == '"' ? phrase_length(value) : 0;
    size_t len = n_quoted ? n_quoted : token_length(value);
    const char *end = value + len + (n_quoted ? 2 : 0);
    if (n_quoted)
        value++;
    bool is_time = field->form == FIELD_AFTER || field->form == FIELD_BEFORE;
    struct buf *out = &r->where;
    buf_printf(out, "%s%s", out->len ? " and " : "", is_excluded ? "not " : "");
    where_quote(is_time ? "modified" : at, is_time ? 8 : n_name, out);
    buf_printf(out, " %s ", op_of(field->form, value, len));
    where_quote(value, len, out);
    return end;
}

/* ---- the line ---- */

/* What stands at r->at, behind a blank: a clause or a field; false: plain words. */
static bool take_sign(struct reader *r)
{
    const char *at = r->at;
    bool is_excluded = *at == '-' && (is_letter(at[1]) || at[1] == '"');
    at += is_excluded;
    if (*at == '"') {
        size_t len = phrase_length(at);
        if (len) {
            end_plain(r);
            add_clause(r, at + 1, len, LEXICAL_PHRASE, is_excluded);
            r->at = at + len + 2;
        }
        return len > 0;
    }
    const char *end = take_field(r, at, is_excluded);
    size_t len = token_length(at), n_prefix = end ? 0 : prefix_length(at, len);
    if (!end && !n_prefix && !is_excluded)
        return false;
    end_plain(r);
    if (!end)
        add_clause(r, at, n_prefix ? n_prefix : len, n_prefix ? LEXICAL_PREFIX : LEXICAL_WORDS,
                   is_excluded);
    r->at = end ? end : at + len;
    return true;
}

static void read_line(struct reader *r)
{
    while (*r->at) {
        if (is_blank(*r->at)) {
            r->at++;
        } else if (!take_sign(r)) {
            r->plain = r->plain ? r->plain : r->at;
            r->at += token_length(r->at);
        }
    }
    end_plain(r);
}

static enum status nothing_wanted(const struct reader *r, struct error *err)
{
    if (r->n_clauses > 0) {
        error_set(err, STATUS_INVALID, "the search only says what is not wanted");
        error_hint(err, "add a word to look for; --plain takes every sign as it is");
    } else {
        error_set(err, STATUS_INVALID, "the search names no word to look for");
        error_hint(err, "add one, or use `ragged list --where` to list documents; --plain takes "
                        "every sign as it is");
    }
    return STATUS_INVALID;
}

static enum status finish(struct reader *r, struct arena *arena, struct query_syntax *out,
                          struct error *err)
{
    struct query_syntax query = {.clauses = r->clauses, .n_clauses = r->n_clauses};
    enum status status = buf_status(&r->text, err);
    if (!status)
        status = buf_status(&r->where, err);
    if (!status && !r->is_wanted)
        status = nothing_wanted(r, err);
    if (status)
        return status;
    query.text = arena_text(arena, buf_text(&r->text), r->text.len);
    query.where_text = arena_text(arena, buf_text(&r->where), r->where.len);
    if (!query.text || !query.where_text)
        return error_nomem(err);
    if (r->where.len) {
        status = where_compile(query.where_text, arena, &query.where, err);
        if (status == STATUS_INVALID)
            error_context(err, status, "in a field (--plain takes every sign as it is)");
    }
    if (!status)
        *out = query;
    return status;
}

enum status query_syntax_parse(const char *text, struct arena *arena, struct query_syntax *out,
                               struct error *err)
{
    size_t len = strlen(text);
    struct reader r = {.at = arena_text(arena, text, len), .n_max = len / 2 + 1};
    r.clauses = arena_zalloc(arena, r.n_max, sizeof *r.clauses);
    if (!r.at || !r.clauses)
        return error_nomem(err);
    read_line(&r);
    enum status status = finish(&r, arena, out, err);
    buf_clear(&r.text);
    buf_clear(&r.where);
    return status;
}
