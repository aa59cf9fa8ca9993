/* Expressions become programs: recursive descent, whose depth is bounded. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "load/load.h"
#include "query/metadata.h"
#include "query/query.h"
#include "query/where_program.h"

enum token_kind {
    TOKEN_END,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_OP,
    TOKEN_WORD,
    TOKEN_QUOTED
};

struct token {
    enum token_kind kind;
    enum where_op op;
    const char *start; /* in the expression */
    const char *text;  /* WORD, QUOTED: from the arena */
    size_t len;
};

struct parser {
    struct arena *arena;
    const char *expression, *at;
    struct token token; /* the next one */
    struct where_step *steps;
    size_t n_steps, n_steps_max;
    size_t n_tests;
    unsigned depth;
};

enum key_type { KEY_TEXT, KEY_KIND, KEY_NUMBER, KEY_SIZE, KEY_DATE, KEY_ANY };

static const struct key_row {
    const char *name;
    enum where_key key;
    enum key_type type;
} key_rows[] = {
    {"path", WHERE_KEY_PATH, KEY_TEXT},
    {"name", WHERE_KEY_NAME, KEY_TEXT},
    {"title", WHERE_KEY_TITLE, KEY_TEXT},
    {"kind", WHERE_KEY_KIND, KEY_KIND},
    {"collection", WHERE_KEY_COLLECTION, KEY_TEXT},
    {"size", WHERE_KEY_SIZE, KEY_SIZE},
    {"pages", WHERE_KEY_PAGES, KEY_NUMBER},
    {"modified", WHERE_KEY_MODIFIED, KEY_DATE},
    {"added", WHERE_KEY_ADDED, KEY_DATE},
    {"chunks", WHERE_KEY_CHUNKS, KEY_NUMBER},
};
static const struct key_row meta_row = {"", WHERE_KEY_META, KEY_ANY};

/* ---- errors ---- */

/* `what` is wrong at `place`, which is in the expression. */
static enum status fail_at(const struct parser *p, const char *place, const char *what,
                           struct error *err)
{
    size_t n = 1;
    for (const char *at = p->expression; at < place; at++)
        n += ((unsigned char)*at & 0xC0) != 0x80;
    if (*place)
        error_set(err, STATUS_INVALID, "%s at character %zu of the condition: %s", what, n,
                  p->expression);
    else
        error_set(err, STATUS_INVALID, "%s at the end of the condition: %s", what, p->expression);
    error_hint(err,
               "a condition is KEY OP VALUE with = != < <= > >= ~ or like, KEY in (A, B), or has "
               "KEY; and, or, not and parentheses join them; several words stand in quotes");
    return STATUS_INVALID;
}

static enum status fail(const struct parser *p, const char *what, struct error *err)
{
    return fail_at(p, p->token.start, what, err);
}

/* ---- tokens ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum status take_quoted(struct parser *p, struct error *err)
{
    char quote = *p->at++;
    char *text = arena_alloc(p->arena, strlen(p->at) + 1);
    if (!text)
        return error_nomem(err);
    size_t len = 0;
    while (*p->at && *p->at != quote) {
        p->at += *p->at == '\\' && p->at[1];
        text[len++] = *p->at++;
    }
    if (!*p->at)
        return fail(p, "a quote without its end", err);
    p->at++;
    text[len] = '\0';
    p->token.kind = TOKEN_QUOTED;
    p->token.text = text;
    p->token.len = len;
    return STATUS_OK;
}

static enum status take_word(struct parser *p, struct error *err)
{
    size_t len = strcspn(p->at, " \t\r\n()=!<>~,");
    if (len == 0)
        return fail(p, "a character that means nothing", err);
    p->token.kind = TOKEN_WORD;
    p->token.text = arena_text(p->arena, p->at, len);
    p->token.len = len;
    p->at += len;
    return p->token.text ? STATUS_OK : error_nomem(err);
}

/* Longer ones first. */
static bool take_op(struct parser *p)
{
    static const struct {
        const char *text;
        enum where_op op;
    } ops[] = {
        {"==", WHERE_OP_EQUAL},      {"!=", WHERE_OP_DIFFERENT},     {"<>", WHERE_OP_DIFFERENT},
        {"<=", WHERE_OP_LESS_EQUAL}, {">=", WHERE_OP_GREATER_EQUAL}, {"=", WHERE_OP_EQUAL},
        {"<", WHERE_OP_LESS},        {">", WHERE_OP_GREATER},        {"~", WHERE_OP_CONTAINS},
    };
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        size_t len = strlen(ops[i].text);
        if (strncmp(p->at, ops[i].text, len) == 0) {
            p->token.kind = TOKEN_OP;
            p->token.op = ops[i].op;
            p->at += len;
            return true;
        }
    }
    return false;
}

static enum status next_token(struct parser *p, struct error *err)
{
    while (is_blank(*p->at))
        p->at++;
    p->token = (struct token){.kind = TOKEN_END, .start = p->at};
    switch (*p->at) {
    case '\0':
        return STATUS_OK;
    case '(':
    case ')':
    case ',':
        p->token.kind = *p->at == '(' ? TOKEN_OPEN : *p->at == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
        p->at++;
        return STATUS_OK;
    case '"':
    case '\'':
        return take_quoted(p, err);
    default:
        return take_op(p) ? STATUS_OK : take_word(p, err);
    }
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && strcasecmp(p->token.text, word) == 0;
}

static bool is_text(const struct parser *p)
{
    return p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_QUOTED;
}

/* ---- steps ---- */

static enum status add_step(struct parser *p, struct where_step step, struct error *err)
{
    void *steps = p->steps;
    enum status status =
        mem_reserve(&steps, &p->n_steps_max, p->n_steps + 1, sizeof *p->steps, err);
    p->steps = steps;
    if (!status)
        p->steps[p->n_steps++] = step;
    return status;
}

/* A jump to a place that is not known yet: each holds the one before it, plus one, as target. */
static enum status add_jump(struct parser *p, enum where_step_kind kind, size_t *io_chain,
                            struct error *err)
{
    enum status status = add_step(p, (struct where_step){.kind = kind, .target = *io_chain}, err);
    if (!status)
        *io_chain = p->n_steps;
    return status;
}

static void land_jumps(struct parser *p, size_t chain)
{
    while (chain) {
        struct where_step *step = &p->steps[chain - 1];
        chain = step->target;
        step->target = p->n_steps;
    }
}

/* ---- one test ---- */

static const struct key_row *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof key_rows / sizeof key_rows[0]; i++)
        if (strcasecmp(key_rows[i].name, name) == 0)
            return &key_rows[i];
    return &meta_row;
}

static enum status parse_key(struct parser *p, struct where_test *test, const struct key_row **out,
                             struct error *err)
{
    if (!is_text(p))
        return fail(p, "a key is wanted", err);
    const char *name = p->token.text;
    *out = find_key(name);
    test->key = (*out)->key;
    if (test->key == WHERE_KEY_META) {
        char clean[METADATA_NAME_BYTES_MAX + 1];
        name += strncasecmp(name, "meta.", 5) == 0 ? 5 : 0;
        enum status status = metadata_name(name, strlen(name), clean, err);
        if (status)
            return status == STATUS_INVALID ? fail(p, "a key that can not be", err) : status;
        test->name = arena_text(p->arena, clean, strlen(clean));
        if (!test->name)
            return error_nomem(err);
    }
    return next_token(p, err);
}

static bool is_kind(const char *text)
{
    for (const char *const *kind = load_kinds(); *kind; kind++)
        if (strcasecmp(*kind, text) == 0)
            return true;
    return strcasecmp(text, "record") == 0; /* a row of a BEIR corpus */
}

static enum status fail_kind(const struct parser *p, struct error *err)
{
    struct buf kinds = {0};
    for (const char *const *kind = load_kinds(); *kind; kind++)
        buf_printf(&kinds, "%s%s", kinds.len ? ", " : "", *kind);
    enum status status = buf_status(&kinds, err);
    if (!status) {
        status = fail(p, "a kind that there is not", err);
        error_hint(err, "kinds: %s", buf_text(&kinds));
    }
    buf_clear(&kinds);
    return status;
}

static enum status parse_literal(struct parser *p, enum key_type type, struct where_literal *out,
                                 struct error *err)
{
    if (!is_text(p))
        return fail(p, "a value is wanted", err);
    if (p->token.len > WHERE_VALUE_BYTES_MAX)
        return fail(p, "a value that is too long", err);
    struct where_literal literal = {.text = p->token.text, .len = p->token.len};
    bool is_any = type == KEY_ANY;
    if (is_any || type == KEY_NUMBER)
        literal.is_number = value_parse_number(literal.text, literal.len, &literal.number);
    if (type == KEY_SIZE)
        literal.is_number = value_parse_size(literal.text, literal.len, &literal.number);
    if (is_any || type == KEY_DATE)
        literal.is_date = value_parse_date(literal.text, literal.len, &literal.date);
    if (type == KEY_NUMBER && !literal.is_number)
        return fail(p, "a number is wanted", err);
    if (type == KEY_SIZE && !literal.is_number)
        return fail(p, "a size like 500, 10k or 5M is wanted", err);
    if (type == KEY_DATE && !literal.is_date)
        return fail(p, "a date like 2024, 2024-05, 2024-05-17 or 2024-05-17T10:30 is wanted", err);
    if (type == KEY_KIND && !is_kind(literal.text))
        return fail_kind(p, err);
    *out = literal;
    return next_token(p, err);
}

/* "(" value {"," value} ")" */
static enum status parse_list(struct parser *p, enum key_type type, struct where_test *test,
                              struct error *err)
{
    if (p->token.kind != TOKEN_OPEN)
        return fail(p, "\"(\" is wanted", err);
    struct where_literal *literals = NULL;
    size_t n = 0, n_max = 0;
    enum status status;
    do {
        status = next_token(p, err);
        void *grown = literals;
        if (!status)
            status = mem_reserve(&grown, &n_max, n + 1, sizeof *literals, err);
        literals = grown;
        if (!status && ++p->n_tests > WHERE_TESTS_MAX)
            status = fail(p, "too many values", err);
        if (!status)
            status = parse_literal(p, type, &literals[n++], err);
    } while (!status && p->token.kind == TOKEN_COMMA);
    if (!status && p->token.kind != TOKEN_CLOSE)
        status = fail(p, "\",\" or \")\" is wanted", err);
    struct where_literal *kept = status ? NULL : arena_alloc(p->arena, n * sizeof *kept);
    if (!status && !kept)
        status = error_nomem(err);
    if (!status) {
        memcpy(kept, literals, n * sizeof *kept);
        test->literals = kept;
        test->n_literals = n;
    }
    mem_free(literals);
    return status ? status : next_token(p, err);
}

static enum status parse_op(struct parser *p, const struct key_row *row, enum where_op *out,
                            struct error *err)
{
    bool is_op = p->token.kind == TOKEN_OP, is_in = is_word(p, "in"), is_like = is_word(p, "like");
    bool is_text_key = row->type == KEY_TEXT || row->type == KEY_KIND || row->type == KEY_ANY;
    enum where_op op = is_op ? p->token.op : is_in ? WHERE_OP_IN : WHERE_OP_LIKE;
    if (!is_op && !is_in && !is_like)
        return fail(p, "an operator is wanted", err);
    if (op == WHERE_OP_LIKE && row->key != WHERE_KEY_PATH && row->key != WHERE_KEY_NAME)
        return fail(p, "\"like\" with neither path nor name", err);
    if (op == WHERE_OP_CONTAINS && !is_text_key)
        return fail(p, "\"~\" with a key that is no text", err);
    *out = op;
    return next_token(p, err);
}

static enum status parse_test(struct parser *p, struct error *err)
{
    struct where_step step = {.kind = WHERE_STEP_TEST};
    struct where_test *test = &step.test;
    const struct key_row *row = &meta_row;
    if (++p->n_tests > WHERE_TESTS_MAX)
        return fail(p, "too many comparisons", err);
    bool is_has = is_word(p, "has");
    enum status status = is_has ? next_token(p, err) : STATUS_OK;
    if (!status)
        status = parse_key(p, test, &row, err);
    if (!status && !is_has)
        status = parse_op(p, row, &test->op, err);
    if (!status && test->op == WHERE_OP_IN)
        status = parse_list(p, row->type, test, err);
    else if (!status && !is_has) {
        struct where_literal *literal = arena_alloc(p->arena, sizeof *literal);
        if (!literal)
            return error_nomem(err);
        /* What "~" looks for has the form of no kind. */
        enum key_type type =
            test->op == WHERE_OP_CONTAINS && row->type == KEY_KIND ? KEY_TEXT : row->type;
        status = parse_literal(p, type, literal, err);
        test->literals = literal;
        test->n_literals = 1;
    }
    return status ? status : add_step(p, step, err);
}

/* ---- expressions ---- */

static enum status parse_any(struct parser *p, struct error *err);

static enum status parse_one(struct parser *p, struct error *err);

static enum status parse_inner(struct parser *p, struct error *err)
{
    enum status status;
    if (is_word(p, "not")) {
        status = next_token(p, err);
        if (!status)
            status = parse_one(p, err);
        return status ? status : add_step(p, (struct where_step){.kind = WHERE_STEP_NOT}, err);
    }
    if (p->token.kind != TOKEN_OPEN)
        return parse_test(p, err);
    status = next_token(p, err);
    if (!status)
        status = parse_any(p, err);
    if (!status && p->token.kind != TOKEN_CLOSE)
        status = fail(p, "\"and\", \"or\" or \")\" is wanted", err);
    return status ? status : next_token(p, err);
}

static enum status parse_one(struct parser *p, struct error *err)
{
    if (p->depth == WHERE_DEPTH_MAX)
        return fail(p, "too many conditions within each other", err);
    p->depth++;
    enum status status = parse_inner(p, err);
    p->depth--;
    return status;
}

static enum status parse_all(struct parser *p, struct error *err)
{
    size_t chain = 0;
    enum status status = parse_one(p, err);
    while (!status && is_word(p, "and")) {
        status = add_jump(p, WHERE_STEP_IF_FALSE, &chain, err);
        if (!status)
            status = next_token(p, err);
        if (!status)
            status = parse_one(p, err);
    }
    land_jumps(p, chain);
    return status;
}

static enum status parse_any(struct parser *p, struct error *err)
{
    size_t chain = 0;
    enum status status = parse_all(p, err);
    while (!status && is_word(p, "or")) {
        status = add_jump(p, WHERE_STEP_IF_TRUE, &chain, err);
        if (!status)
            status = next_token(p, err);
        if (!status)
            status = parse_all(p, err);
    }
    land_jumps(p, chain);
    return status;
}

/* One whole expression behind what is compiled already; all must hold. */
static enum status parse_expression(struct parser *p, const char *text, size_t *io_chain,
                                    struct error *err)
{
    p->expression = p->at = text;
    p->token = (struct token){.start = text};
    if (strlen(text) > WHERE_BYTES_MAX)
        return error_set(err, STATUS_LIMIT, "a condition of more than %zu KiB",
                         WHERE_BYTES_MAX / 1024);
    enum status status = p->n_steps ? add_jump(p, WHERE_STEP_IF_FALSE, io_chain, err) : STATUS_OK;
    if (!status)
        status = next_token(p, err);
    if (!status)
        status = parse_any(p, err);
    if (!status && p->token.kind != TOKEN_END)
        status = fail(p, "\"and\", \"or\" or the end is wanted", err);
    return status;
}

static enum status finish(struct parser *p, size_t chain, const struct where **out,
                          struct error *err)
{
    land_jumps(p, chain);
    struct where *where = arena_alloc(p->arena, sizeof *where);
    struct where_step *steps = arena_alloc(p->arena, p->n_steps * sizeof *steps);
    if (!where || !steps)
        return error_nomem(err);
    memcpy(steps, p->steps, p->n_steps * sizeof *steps);
    *where = (struct where){.steps = steps, .n_steps = p->n_steps};
    *out = where;
    return STATUS_OK;
}

enum status where_compile(const char *text, struct arena *arena, const struct where **out,
                          struct error *err)
{
    return where_compile_filter(&(struct engine_filter){.wheres = &text, .n_wheres = 1}, arena, out,
                                err);
}

/* ---- the shorthands of a filter ---- */

static enum status parse_short(struct parser *p, const char *key_and_op, const char *const *values,
                               size_t n, size_t *io_chain, struct error *err)
{
    struct buf text = {0};
    if (n == 0 || !values[0])
        return STATUS_OK;
    buf_printf(&text, "%s ", key_and_op);
    for (size_t i = 0; i < n; i++) {
        buf_append_text(&text, n == 1 ? "" : i ? ", " : "(");
        where_quote(values[i], strlen(values[i]), &text);
    }
    buf_append_text(&text, n == 1 ? "" : ")");
    enum status status = buf_status(&text, err);
    if (!status)
        status = parse_expression(p, buf_text(&text), io_chain, err);
    buf_clear(&text);
    return status;
}

static enum status parse_filter(struct parser *p, const struct engine_filter *filter,
                                size_t *io_chain, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < filter->n_wheres && !status; i++)
        status = parse_expression(p, filter->wheres[i], io_chain, err);
    if (!status)
        status = parse_short(p, "modified >=", &filter->since, 1, io_chain, err);
    if (!status)
        status = parse_short(p, "modified <=", &filter->until, 1, io_chain, err);
    if (!status)
        status = parse_short(p, filter->n_kinds == 1 ? "kind =" : "kind in", filter->kinds,
                             filter->n_kinds, io_chain, err);
    if (!status)
        status = parse_short(p, filter->n_documents == 1 ? "path =" : "path in", filter->documents,
                             filter->n_documents, io_chain, err);
    return status;
}

enum status where_compile_filter(const struct engine_filter *filter, struct arena *arena,
                                 const struct where **out, struct error *err)
{
    struct parser parser = {.arena = arena};
    size_t chain = 0;
    const struct where *where = NULL;
    enum status status = parse_filter(&parser, filter, &chain, err);
    if (!status && parser.n_steps > 0)
        status = finish(&parser, chain, &where, err);
    mem_free(parser.steps);
    if (!status)
        *out = where;
    return status;
}
