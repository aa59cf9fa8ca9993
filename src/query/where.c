#include "query/where.h"

#include <fnmatch.h>
#include <string.h>

#include "base/file.h"
#include "query/metadata.h"
#include "query/where_program.h"
#include "text/text.h"

/* One value of a document. */
struct subject {
    enum { SUBJECT_TEXT, SUBJECT_NUMBER, SUBJECT_DATE } type;
    const char *text;
    size_t len;
    double number;
    struct date_span date;
};

static bool is_ordered(enum where_op op, int order)
{
    switch (op) {
    case WHERE_OP_EQUAL:
    case WHERE_OP_IN:
        return order == 0;
    case WHERE_OP_LESS:
        return order < 0;
    case WHERE_OP_LESS_EQUAL:
        return order <= 0;
    case WHERE_OP_GREATER:
        return order > 0;
    case WHERE_OP_GREATER_EQUAL:
        return order >= 0;
    default:
        return false;
    }
}

static bool compare_dates(struct date_span subject, enum where_op op, struct date_span literal)
{
    switch (op) {
    case WHERE_OP_EQUAL:
    case WHERE_OP_IN:
        return subject.start_ms >= literal.start_ms && subject.end_ms <= literal.end_ms;
    case WHERE_OP_LESS:
        return subject.start_ms < literal.start_ms;
    case WHERE_OP_LESS_EQUAL:
        return subject.start_ms < literal.end_ms;
    case WHERE_OP_GREATER:
        return subject.start_ms >= literal.end_ms;
    case WHERE_OP_GREATER_EQUAL:
        return subject.start_ms >= literal.start_ms;
    default:
        return false;
    }
}

static int order_of(double a, double b)
{
    return a < b ? -1 : a > b;
}

static bool compare_texts(const struct subject *subject, enum where_op op,
                          const struct where_literal *literal)
{
    if (op == WHERE_OP_CONTAINS)
        return text_contains_folded(subject->text, subject->len, literal->text, literal->len);
    bool is_order = op != WHERE_OP_EQUAL && op != WHERE_OP_IN;
    if (is_order && (literal->is_number || literal->is_date))
        return false;
    return is_ordered(
        op, text_compare_folded(subject->text, subject->len, literal->text, literal->len));
}

static bool compare(const struct subject *subject, enum where_op op,
                    const struct where_literal *literal)
{
    double number;
    struct date_span date;
    if (subject->type == SUBJECT_NUMBER)
        return is_ordered(op, order_of(subject->number, literal->number));
    if (subject->type == SUBJECT_DATE)
        return compare_dates(subject->date, op, literal->date);
    if (op != WHERE_OP_CONTAINS && literal->is_number &&
        value_parse_number(subject->text, subject->len, &number))
        return is_ordered(op, order_of(number, literal->number));
    if (op != WHERE_OP_CONTAINS && literal->is_date &&
        value_parse_date(subject->text, subject->len, &date))
        return compare_dates(date, op, literal->date);
    return compare_texts(subject, op, literal);
}

/* With "!=" as "=": whoever asks turns it round. */
static bool compare_any(const struct subject *subject, const struct where_test *test)
{
    enum where_op op = test->op == WHERE_OP_DIFFERENT ? WHERE_OP_EQUAL : test->op;
    for (size_t i = 0; i < test->n_literals; i++)
        if (compare(subject, op, &test->literals[i]))
            return true;
    return false;
}

static bool match_meta(const struct where_test *test, const char *meta)
{
    struct metadata_reader reader;
    if (!metadata_find(meta, test->name, &reader))
        return false;
    bool is_any = false, has_element = false;
    while (!is_any && metadata_next(&reader)) {
        struct subject subject = {.type = SUBJECT_TEXT, .text = reader.text, .len = reader.len};
        has_element = true;
        is_any = compare_any(&subject, test);
    }
    if (test->op == WHERE_OP_HAS || test->op == WHERE_OP_DIFFERENT)
        return has_element && !is_any;
    return is_any;
}

/* ---- the keys that every document has ---- */

static bool get_text(const struct store_document *document, enum where_key key, struct subject *out)
{
    const char *text = key == WHERE_KEY_PATH    ? document->path
                       : key == WHERE_KEY_NAME  ? path_name(document->path)
                       : key == WHERE_KEY_TITLE ? document->title
                       : key == WHERE_KEY_KIND  ? document->kind
                                                : document->collection;
    *out = (struct subject){.type = SUBJECT_TEXT, .text = text, .len = text ? strlen(text) : 0};
    return out->len > 0;
}

static struct date_span instant(int64_t ms)
{
    return (struct date_span){ms, ms + 1};
}

/* False: the document has none. */
static bool get_subject(const struct store_document *document, enum where_key key,
                        struct subject *out)
{
    int64_t ns = document->mtime_ns;
    switch (key) {
    case WHERE_KEY_SIZE:
        *out = (struct subject){.type = SUBJECT_NUMBER, .number = (double)document->size_bytes};
        return true;
    case WHERE_KEY_PAGES:
        *out = (struct subject){.type = SUBJECT_NUMBER, .number = document->n_pages};
        return document->n_pages > 0;
    case WHERE_KEY_CHUNKS:
        *out = (struct subject){.type = SUBJECT_NUMBER, .number = (double)document->n_chunks};
        return true;
    case WHERE_KEY_MODIFIED:
        *out = (struct subject){.type = SUBJECT_DATE,
                                .date = instant(ns / 1000000 - (ns % 1000000 < 0))};
        return true;
    case WHERE_KEY_ADDED:
        *out = (struct subject){.type = SUBJECT_DATE, .date = instant(document->added_ms)};
        return true;
    default:
        return get_text(document, key, out);
    }
}

/* A path is a name of bytes, and which of two files is meant may hang on the case of a letter. */
static bool is_path(const struct subject *subject, const struct where_test *test)
{
    for (size_t i = 0; i < test->n_literals; i++)
        if (test->literals[i].len == subject->len &&
            memcmp(test->literals[i].text, subject->text, subject->len) == 0)
            return true;
    return false;
}

static bool match_glob(const struct subject *subject, const struct where_test *test)
{
    const char *glob = test->literals[0].text;
    return test->key == WHERE_KEY_PATH ? path_matches(subject->text, glob)
                                       : fnmatch(glob, subject->text, FNM_CASEFOLD) == 0;
}

static bool match_test(const struct where_test *test, const struct store_document *document)
{
    struct subject subject;
    if (test->key == WHERE_KEY_META)
        return match_meta(test, document->meta);
    if (!get_subject(document, test->key, &subject))
        return false;
    bool is_identity =
        test->op == WHERE_OP_EQUAL || test->op == WHERE_OP_DIFFERENT || test->op == WHERE_OP_IN;
    bool is_match = test->op == WHERE_OP_HAS                     ? true
                    : test->op == WHERE_OP_LIKE                  ? match_glob(&subject, test)
                    : test->key == WHERE_KEY_PATH && is_identity ? is_path(&subject, test)
                                                                 : compare_any(&subject, test);
    return test->op == WHERE_OP_DIFFERENT ? !is_match : is_match;
}

bool where_matches(const struct where *where, const struct store_document *document)
{
    bool is_true = true;
    for (size_t i = 0; i < where->n_steps;) {
        const struct where_step *step = &where->steps[i++];
        if (step->kind == WHERE_STEP_TEST)
            is_true = match_test(&step->test, document);
        else if (step->kind == WHERE_STEP_NOT)
            is_true = !is_true;
        else if (is_true == (step->kind == WHERE_STEP_IF_TRUE))
            i = step->target;
    }
    return is_true;
}

void where_quote(const char *text, size_t len, struct buf *out)
{
    buf_append_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_append_char(out, '\\');
        buf_append_char(out, text[i]);
    }
    buf_append_char(out, '"');
}
