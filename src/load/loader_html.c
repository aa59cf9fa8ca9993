/* load/loader_html.c - HTML by gumbo.
 *
 * gumbo checks no allocation and frees its tree by recursion; so its memory is an arena with a
 * limit, a failed allocation leaves the parser by longjmp, and the tree is walked with a stack of
 * our own. For each tag it looks through the elements that are open and for each attribute through
 * those before it, which takes minutes on a page made for that; so its allocations, of which every
 * tag makes some, also look at the time. */
#include <gumbo.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "load/loader.h"
#include "load/power.h"

#define N_TREE_BYTES (1024 * RAGGED_MIB)
#define N_ALLOCATIONS_UNSEEN 256        /* between two looks at the clock */
#define N_DECLARED_BYTES ((size_t)1024) /* where a page may name its character set */

enum role {
    ROLE_INLINE,
    ROLE_DROP, /* neither it nor what is in it is text for a reader */
    ROLE_BLOCK,
    ROLE_HEADING,
    ROLE_LIST,
    ROLE_ITEM,
    ROLE_CODE,
    ROLE_ROW,
    ROLE_CELL,
    ROLE_BREAK,
    ROLE_RAISED,
    ROLE_TITLE
};

static const unsigned char roles[GUMBO_TAG_LAST] = {
    [GUMBO_TAG_TITLE] = ROLE_TITLE,      [GUMBO_TAG_SCRIPT] = ROLE_DROP,
    [GUMBO_TAG_STYLE] = ROLE_DROP,       [GUMBO_TAG_NOSCRIPT] = ROLE_DROP,
    [GUMBO_TAG_TEMPLATE] = ROLE_DROP,    [GUMBO_TAG_NAV] = ROLE_DROP,
    [GUMBO_TAG_IFRAME] = ROLE_DROP,      [GUMBO_TAG_OBJECT] = ROLE_DROP,
    [GUMBO_TAG_SVG] = ROLE_DROP,         [GUMBO_TAG_SELECT] = ROLE_DROP,
    [GUMBO_TAG_TEXTAREA] = ROLE_DROP,    [GUMBO_TAG_BUTTON] = ROLE_DROP,
    [GUMBO_TAG_AUDIO] = ROLE_DROP,       [GUMBO_TAG_VIDEO] = ROLE_DROP,
    [GUMBO_TAG_CANVAS] = ROLE_DROP,      [GUMBO_TAG_H1] = ROLE_HEADING,
    [GUMBO_TAG_H2] = ROLE_HEADING,       [GUMBO_TAG_H3] = ROLE_HEADING,
    [GUMBO_TAG_H4] = ROLE_HEADING,       [GUMBO_TAG_H5] = ROLE_HEADING,
    [GUMBO_TAG_H6] = ROLE_HEADING,       [GUMBO_TAG_UL] = ROLE_LIST,
    [GUMBO_TAG_OL] = ROLE_LIST,          [GUMBO_TAG_DL] = ROLE_LIST,
    [GUMBO_TAG_LI] = ROLE_ITEM,          [GUMBO_TAG_DT] = ROLE_ITEM,
    [GUMBO_TAG_DD] = ROLE_ITEM,          [GUMBO_TAG_PRE] = ROLE_CODE,
    [GUMBO_TAG_LISTING] = ROLE_CODE,     [GUMBO_TAG_XMP] = ROLE_CODE,
    [GUMBO_TAG_TR] = ROLE_ROW,           [GUMBO_TAG_TD] = ROLE_CELL,
    [GUMBO_TAG_TH] = ROLE_CELL,          [GUMBO_TAG_BR] = ROLE_BREAK,
    [GUMBO_TAG_P] = ROLE_BLOCK,          [GUMBO_TAG_DIV] = ROLE_BLOCK,
    [GUMBO_TAG_BODY] = ROLE_BLOCK,       [GUMBO_TAG_SECTION] = ROLE_BLOCK,
    [GUMBO_TAG_ARTICLE] = ROLE_BLOCK,    [GUMBO_TAG_ASIDE] = ROLE_BLOCK,
    [GUMBO_TAG_HEADER] = ROLE_BLOCK,     [GUMBO_TAG_FOOTER] = ROLE_BLOCK,
    [GUMBO_TAG_MAIN] = ROLE_BLOCK,       [GUMBO_TAG_BLOCKQUOTE] = ROLE_BLOCK,
    [GUMBO_TAG_ADDRESS] = ROLE_BLOCK,    [GUMBO_TAG_FIGURE] = ROLE_BLOCK,
    [GUMBO_TAG_FIGCAPTION] = ROLE_BLOCK, [GUMBO_TAG_TABLE] = ROLE_BLOCK,
    [GUMBO_TAG_CAPTION] = ROLE_BLOCK,    [GUMBO_TAG_HR] = ROLE_BLOCK,
    [GUMBO_TAG_FORM] = ROLE_BLOCK,       [GUMBO_TAG_FIELDSET] = ROLE_BLOCK,
    [GUMBO_TAG_DETAILS] = ROLE_BLOCK,    [GUMBO_TAG_SUMMARY] = ROLE_BLOCK,
    [GUMBO_TAG_CENTER] = ROLE_BLOCK,     [GUMBO_TAG_SUP] = ROLE_RAISED,
};

struct frame { /* an element the walk is in */
    const GumboNode *node;
    unsigned i_child;
    enum role role;
    enum text_block_kind kind; /* of text directly in it */
    unsigned level, n_lists;
    size_t text_start; /* in the text of the block, when the element began */
};

struct walker {
    struct sink *sink;
    struct frame *stack; /* [n_frames], owned */
    size_t n_frames, n_frames_max;
    struct buf text;         /* of the block being gathered */
    struct text_block block; /* its kind, level and line */
    struct buf first_heading;
    unsigned n_cells;
    bool is_in_row;
};

enum tree_end { TREE_END_NONE, TREE_END_MEMORY, TREE_END_TIME };

struct tree_memory {
    struct arena arena;
    unsigned n_allocations;
    int64_t deadline_cpu_ms;
    jmp_buf end; /* with an enum tree_end */
};

static void *tree_alloc(void *userdata, size_t size_bytes)
{
    struct tree_memory *memory = userdata;
    if (++memory->n_allocations % N_ALLOCATIONS_UNSEEN == 0 &&
        clock_cpu_ms() > memory->deadline_cpu_ms)
        longjmp(memory->end, TREE_END_TIME);
    void *p = arena_alloc(&memory->arena, size_bytes);
    if (!p)
        longjmp(memory->end, TREE_END_MEMORY);
    return p;
}

static void tree_free(void *userdata, void *p)
{
    (void)userdata, (void)p;
}

static enum status tree_parse(struct tree_memory *memory, struct span text,
                              const GumboNode **out_document, struct error *err)
{
    int64_t n_ms = RAGGED_LIMIT_HTML_CPU_MS * (int64_t)(text.len / RAGGED_MIB + 1);
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = tree_alloc;
    options.deallocator = tree_free;
    options.userdata = memory;
    options.max_errors = 0;
    memory->deadline_cpu_ms = clock_cpu_ms() + n_ms;
    switch (setjmp(memory->end)) {
    case TREE_END_NONE:
        *out_document = gumbo_parse_with_options(&options, text.bytes, text.len)->document;
        return STATUS_OK;
    case TREE_END_MEMORY:
        if (memory->arena.n_bytes < N_TREE_BYTES - RAGGED_MIB)
            return error_nomem(err);
        return error_set(err, STATUS_LIMIT, "the HTML needs more than %zu MiB of memory",
                         N_TREE_BYTES / RAGGED_MIB);
    default:
        error_set(err, STATUS_LIMIT, "the HTML takes more than %lld s to be parsed",
                  (long long)(n_ms / 1000));
        error_hint(err, "elements that stand thousands deep in each other do that");
        return STATUS_LIMIT;
    }
}

static void flush(struct walker *walker)
{
    walker->block.text = buf_text(&walker->text);
    walker->block.len = walker->text.len;
    if (walker->text.len)
        sink_block(walker->sink, &walker->block);
    if (walker->block.kind == TEXT_BLOCK_HEADING && walker->block.level == 1 &&
        walker->first_heading.len == 0)
        buf_append(&walker->first_heading, walker->block.text, walker->block.len);
    buf_reset(&walker->text);
    walker->block.line = 0;
}

/* What text in the element at the top of the stack becomes. */
static void resume(struct walker *walker)
{
    const struct frame *top = &walker->stack[walker->n_frames - 1];
    walker->block = (struct text_block){.kind = top->kind, .level = top->level};
}

static bool is_hidden(const GumboElement *element)
{
    return gumbo_get_attribute(&element->attributes, "hidden") != NULL;
}

static enum role role_of(const GumboNode *node)
{
    const GumboElement *element = &node->v.element;
    if (node->type == GUMBO_NODE_DOCUMENT)
        return ROLE_BLOCK;
    if (node->type == GUMBO_NODE_TEMPLATE || is_hidden(element))
        return ROLE_DROP;
    return element->tag < GUMBO_TAG_LAST ? (enum role)roles[element->tag] : ROLE_INLINE;
}

/* A row is a header when every cell in it is one. */
static bool is_header_row(const GumboElement *row)
{
    bool has_header = false;
    for (unsigned i = 0; i < row->children.length; i++) {
        const GumboNode *cell = row->children.data[i];
        if (cell->type != GUMBO_NODE_ELEMENT)
            continue;
        if (cell->v.element.tag == GUMBO_TAG_TD)
            return false;
        has_header = has_header || cell->v.element.tag == GUMBO_TAG_TH;
    }
    return has_header;
}

/* In a table row paragraphs are only gaps; a heading, code, list or inner row ends it (such a table
 * is layout, not data). */
static bool breaks_block(const struct walker *walker, enum role role)
{
    switch (role) {
    case ROLE_HEADING:
    case ROLE_CODE:
    case ROLE_ROW:
    case ROLE_TITLE:
        return true;
    case ROLE_BLOCK:
    case ROLE_LIST:
    case ROLE_ITEM:
        return !walker->is_in_row;
    default:
        return false;
    }
}

static void set_kind(struct frame *frame, const GumboNode *node)
{
    switch (frame->role) {
    case ROLE_HEADING:
        frame->kind = TEXT_BLOCK_HEADING;
        frame->level = (unsigned)(node->v.element.tag - GUMBO_TAG_H1) + 1;
        break;
    case ROLE_LIST:
        frame->n_lists++;
        break;
    case ROLE_ITEM:
        frame->kind = TEXT_BLOCK_LIST_ITEM;
        frame->level = frame->n_lists > 0 ? (frame->n_lists < 100 ? frame->n_lists - 1 : 99) : 0;
        break;
    case ROLE_CODE:
        frame->kind = TEXT_BLOCK_CODE;
        frame->level = 0;
        break;
    case ROLE_ROW:
        frame->kind =
            is_header_row(&node->v.element) ? TEXT_BLOCK_TABLE_HEADER : TEXT_BLOCK_TABLE_ROW;
        frame->level = 0;
        break;
    default:
        break;
    }
}

static enum status enter(struct walker *walker, const GumboNode *node, struct error *err)
{
    struct frame frame = {.node = node,
                          .role = role_of(node),
                          .kind = TEXT_BLOCK_PARAGRAPH,
                          .text_start = walker->text.len};
    if (frame.role == ROLE_DROP)
        return STATUS_OK;
    if (walker->n_frames > 0) {
        frame.kind = walker->stack[walker->n_frames - 1].kind;
        frame.level = walker->stack[walker->n_frames - 1].level;
        frame.n_lists = walker->stack[walker->n_frames - 1].n_lists;
    }
    void *stack = walker->stack;
    enum status status = mem_reserve(&stack, &walker->n_frames_max, walker->n_frames + 1,
                                     sizeof *walker->stack, err);
    walker->stack = stack;
    if (status)
        return status;
    set_kind(&frame, node);
    bool is_break = breaks_block(walker, frame.role);
    if (is_break)
        flush(walker);
    walker->stack[walker->n_frames++] = frame;
    if (is_break)
        resume(walker);
    if (frame.role == ROLE_ROW) {
        walker->is_in_row = true;
        walker->n_cells = 0;
    } else if (frame.role == ROLE_CELL && walker->is_in_row && walker->n_cells++ > 0) {
        buf_append_text(&walker->text, " | ");
    } else if (!is_break && frame.role != ROLE_INLINE && frame.role != ROLE_RAISED) {
        buf_append_char(&walker->text, '\n');
    }
    return STATUS_OK;
}

static void leave(struct walker *walker)
{
    struct frame frame = walker->stack[walker->n_frames - 1];
    if (frame.role == ROLE_TITLE) {
        sink_title(walker->sink, buf_text(&walker->text), walker->text.len);
        buf_reset(&walker->text);
    } else if (frame.role == ROLE_RAISED) {
        power_mark(&walker->text, frame.text_start);
    }
    bool is_break = breaks_block(walker, frame.role);
    if (is_break)
        flush(walker);
    walker->n_frames--;
    if (frame.role == ROLE_ROW)
        walker->is_in_row = false;
    if (walker->n_frames == 0)
        return;
    if (is_break)
        resume(walker);
    else if (frame.role == ROLE_BLOCK || frame.role == ROLE_ITEM)
        buf_append_char(&walker->text, '\n');
}

static const char *attribute(const GumboElement *element, const char *name)
{
    const GumboAttribute *found = gumbo_get_attribute(&element->attributes, name);
    return found ? found->value : "";
}

/* The few names of <meta> that say something about the text to a reader. */
static void send_meta(struct sink *sink, const GumboElement *element)
{
    static const struct {
        const char *names, *key; /* names: separated by blanks */
    } rows[] = {
        {" author dc.creator dcterms.creator article:author ", "author"},
        {" description dc.description dcterms.abstract ", "description"},
        {" keywords dc.subject ", "keywords"},
        {" date dc.date dcterms.date dcterms.created article:published_time ", "date"},
    };
    const char *name = attribute(element, "name");
    if (!*name)
        name = attribute(element, "property");
    char wanted[METADATA_NAME_BYTES_MAX];
    int len = snprintf(wanted, sizeof wanted, " %s ", name);
    const char *value = attribute(element, "content");
    if (len < 3 || len >= (int)sizeof wanted || strchr(name, ' '))
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcasestr(rows[i].names, wanted) && strcmp(rows[i].key, "keywords") == 0)
            sink_meta_list(sink, rows[i].key, value, strlen(value));
        else if (strcasestr(rows[i].names, wanted))
            sink_meta(sink, rows[i].key, METADATA_TEXT, value, strlen(value));
}

static void add_text(struct walker *walker, const GumboText *text, bool is_blank)
{
    if (is_blank && walker->text.len == 0)
        return;
    if (walker->block.line == 0)
        walker->block.line = text->start_pos.line;
    buf_append_text(&walker->text, text->text);
}

static enum status walk(struct walker *walker, const GumboNode *document, struct error *err)
{
    enum status status = enter(walker, document, err);
    while (!status && walker->n_frames > 0 && !walker->sink->failed) {
        struct frame *top = &walker->stack[walker->n_frames - 1];
        const GumboVector *children = top->node->type == GUMBO_NODE_DOCUMENT
                                          ? &top->node->v.document.children
                                          : &top->node->v.element.children;
        if (top->i_child == children->length) {
            leave(walker);
            continue;
        }
        const GumboNode *child = children->data[top->i_child++];
        if (child->type == GUMBO_NODE_ELEMENT && child->v.element.tag == GUMBO_TAG_META)
            send_meta(walker->sink, &child->v.element);
        else if (child->type == GUMBO_NODE_ELEMENT || child->type == GUMBO_NODE_TEMPLATE)
            status = enter(walker, child, err);
        else if (child->type != GUMBO_NODE_COMMENT)
            add_text(walker, &child->v.text, child->type == GUMBO_NODE_WHITESPACE);
    }
    return status ? status : buf_status(&walker->text, err);
}

/* The value of charset= in the first bytes (WHATWG "prescan", simplified). */
static void find_declared(const struct loader_input *input, char out[32])
{
    size_t n = input->len < N_DECLARED_BYTES ? input->len : N_DECLARED_BYTES, n_out = 0;
    const char *at = memmem(input->bytes, n, "charset=", 8);
    if (!at)
        at = memmem(input->bytes, n, "CHARSET=", 8);
    for (size_t i = at ? (size_t)(at - input->bytes) + 8 : n; i < n && n_out < 31; i++) {
        char c = input->bytes[i];
        if (strchr("\"' ;>/", c) && n_out > 0)
            break;
        if (!strchr("\"' ", c))
            out[n_out++] = c;
    }
    out[n_out] = '\0';
}

static enum status parse(const struct loader_input *input, struct sink *sink, struct error *err)
{
    struct tree_memory memory = {.arena = {.limit_bytes = N_TREE_BYTES}};
    struct walker walker = {.sink = sink};
    struct buf storage = {0};
    struct span text;
    char declared[32];
    find_declared(input, declared);
    enum status status = encoding_decode(input->encodings, (struct span){input->bytes, input->len},
                                         declared, &storage, &text, err);
    const GumboNode *document = NULL;
    if (!status)
        status = tree_parse(&memory, text, &document, err);
    if (!status)
        status = walk(&walker, document, err);
    if (!status)
        sink_title(sink, buf_text(&walker.first_heading), walker.first_heading.len);
    buf_clear(&walker.first_heading);
    buf_clear(&walker.text);
    buf_clear(&storage);
    mem_free(walker.stack);
    arena_clear(&memory.arena);
    return status;
}

const struct loader loader_html = {.kind = "html", .parse = parse};
