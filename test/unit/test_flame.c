/* The flame graph is a function of the tree: what is in it, how wide, and whatever the numbers are.
 */
#include <stdlib.h>
#include <string.h>

#include "../testing.h"
#include "page/flame.h"

static struct trace_tree tree;

static unsigned add(unsigned i_parent, enum trace_stage stage, int64_t cpu_ns, int64_t wall_ns)
{
    unsigned i = tree.n_nodes++;
    tree.nodes[i] = (struct trace_node){
        .stage = stage,
        .i_parent = i_parent,
        .i_next = tree.nodes[i_parent].i_first_child,
        .n_calls = 1,
        .cpu_ns = cpu_ns,
        .wall_ns = wall_ns,
    };
    tree.nodes[i_parent].i_first_child = i;
    return i;
}

static int plant(void **state)
{
    (void)state;
    tree.nodes[0] = (struct trace_node){0};
    tree.n_nodes = 1;
    return 0;
}

static void draw(enum flame_clock clock, struct buf *out)
{
    flame_draw(&tree, clock, "ragged <search>", "a & b", out);
    struct error err = {0};
    assert_ok(buf_status(out, &err));
}

/* The number behind ` name="` in the box whose title begins with `title`; -1: no such box. */
static double attribute(const struct buf *svg, const char *title, const char *name)
{
    const char *at = strstr(buf_text(svg), title);
    while (at && at > svg->data && strncmp(at, "<rect", 5) != 0)
        at--;
    char key[32];
    snprintf(key, sizeof key, " %s=\"", name);
    at = at ? strstr(at, key) : NULL;
    return at ? strtod(at + strlen(key), NULL) : -1;
}

static void widths_are_shares_of_the_time(void **state)
{
    (void)state;
    struct buf cpu = {0}, wall = {0};
    unsigned command = add(0, TRACE_STAGE_COMMAND, 100000000, 400000000);
    add(command, TRACE_STAGE_FUSE, 25000000, 300000000);
    add(command, TRACE_STAGE_SNAPSHOT, 50000000, 50000000);
    draw(FLAME_CPU, &cpu);
    assert_non_null(strstr(buf_text(&cpu), "<title>all: 100.000 ms (100.0 %)</title>"));
    assert_non_null(strstr(buf_text(&cpu),
                           "<title>command: 100.000 ms (100.0 %), itself 25.000 ms, "
                           "calls: 1</title>"));
    double all = attribute(&cpu, ">all: ", "width"), fuse = attribute(&cpu, ">fuse: ", "width");
    assert_true(all > 1000 && fuse > all / 4 - 0.1 && fuse < all / 4 + 0.1);
    /* In the order of the stages, and each above what it is part of. */
    assert_true(attribute(&cpu, ">snapshot: ", "x") < attribute(&cpu, ">fuse: ", "x"));
    assert_true(attribute(&cpu, ">fuse: ", "y") < attribute(&cpu, ">command: ", "y"));
    assert_true(attribute(&cpu, ">command: ", "y") < attribute(&cpu, ">all: ", "y"));
    draw(FLAME_WALL, &wall);
    assert_true(attribute(&wall, ">fuse: ", "width") > all / 4 * 3 - 0.1);
    assert_non_null(strstr(buf_text(&wall), ">ragged &#60;search&#62;</text>"));
    assert_non_null(strstr(buf_text(&wall), ">a &#38; b</text>"));
    buf_clear(&cpu);
    buf_clear(&wall);
}

/* Two clocks never agree to the nanosecond; a span that is still open has no time at all. */
static void parts_never_stick_out(void **state)
{
    (void)state;
    struct buf svg = {0};
    unsigned command = add(0, TRACE_STAGE_COMMAND, 0, 0);
    add(command, TRACE_STAGE_FUSE, 60000000, 0);
    add(command, TRACE_STAGE_FETCH, 60000000, 0);
    draw(FLAME_CPU, &svg);
    assert_true(attribute(&svg, ">command: 120.000 ms", "width") > 1000);
    double fuse = attribute(&svg, ">fuse: ", "x") + attribute(&svg, ">fuse: ", "width");
    assert_true(fuse <= attribute(&svg, ">fetch: ", "x") + 0.02);
    buf_clear(&svg);
}

static void what_is_too_narrow_is_left_out(void **state)
{
    (void)state;
    struct buf svg = {0};
    unsigned command = add(0, TRACE_STAGE_COMMAND, 1000000000, 0);
    add(command, TRACE_STAGE_FUSE, 100, 0);
    add(command, TRACE_STAGE_FETCH, 10000000, 0); /* no room for its name, but for its title */
    draw(FLAME_CPU, &svg);
    assert_true(attribute(&svg, ">fuse: ", "width") < 0);
    assert_true(attribute(&svg, ">fetch: ", "width") > 0);
    assert_null(strstr(buf_text(&svg), ">fetch</text>"));
    buf_clear(&svg);
}

static void nothing_is_an_empty_page(void **state)
{
    (void)state;
    struct buf svg = {0};
    draw(FLAME_CPU, &svg);
    assert_null(strstr(buf_text(&svg), "nan"));
    assert_non_null(strstr(buf_text(&svg), "</svg>"));
    buf_clear(&svg);
}

static void a_full_tree_fits(void **state)
{
    (void)state;
    struct buf svg = {0};
    for (unsigned i = 0; tree.n_nodes < TRACE_NODES_MAX; i++)
        add(i, TRACE_STAGE_MERGE, 1000000000, 1000000000);
    draw(FLAME_WALL, &svg);
    assert_true(attribute(&svg, ">merge: ", "height") > 0);
    buf_clear(&svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(widths_are_shares_of_the_time, plant),
        cmocka_unit_test_setup(parts_never_stick_out, plant),
        cmocka_unit_test_setup(what_is_too_narrow_is_left_out, plant),
        cmocka_unit_test_setup(nothing_is_an_empty_page, plant),
        cmocka_unit_test_setup(a_full_tree_fits, plant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
