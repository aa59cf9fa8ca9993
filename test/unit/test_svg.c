/* Drawings: well formed whatever the texts and numbers are. */
#include <math.h>
#include <string.h>

#include "../testing.h"
#include "page/svg.h"

static void any_text_is_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    svg_escape(&out, "<a href=\"x\">&'\x01\xff\xef\xbf\xbf</a>\n");
    assert_string_equal(buf_text(&out), "&#60;a href=&#34;x&#34;&#62;&#38;&#39;"
                                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&#60;/a&#62;\n");
    buf_clear(&out);
}

static void numbers_are_finite(void **state)
{
    (void)state;
    struct buf out = {0};
    svg_rect(&out, &(struct svg_box){NAN, INFINITY, 10, 2.345678}, "bar", NULL);
    assert_string_equal(
        buf_text(&out),
        "<rect x=\"0.00\" y=\"0.00\" width=\"10.00\" height=\"2.35\" class=\"bar\"/>\n");
    buf_clear(&out);
}

static void shapes_are_written(void **state)
{
    (void)state;
    struct buf out = {0};
    struct svg_point points[] = {{0, 0}, {1, 2}, {3, 4.5}};
    svg_begin(&out, 100, 50, "a < b", "rect { fill: red }\n");
    svg_rect(&out, &(struct svg_box){1, 2, 3, 4}, NULL, "50% & more");
    svg_text(&out, 5, 6, SVG_ANCHOR_END, "label", "<script>");
    svg_line(&out, points[0], points[1], "axis");
    svg_polyline(&out, points, 3, NULL);
    svg_end(&out);
    assert_string_equal(
        buf_text(&out),
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100.00\" height=\"50.00\" "
        "viewBox=\"0 0 100.00 50.00\" role=\"img\">\n"
        "<title>a &#60; b</title>\n"
        "<style>\nrect { fill: red }\n</style>\n"
        "<rect x=\"1.00\" y=\"2.00\" width=\"3.00\" height=\"4.00\">"
        "<title>50% &#38; more</title></rect>\n"
        "<text x=\"5.00\" y=\"6.00\" text-anchor=\"end\" class=\"label\">&#60;script&#62;</text>\n"
        "<line x1=\"0.00\" y1=\"0.00\" x2=\"1.00\" y2=\"2.00\" class=\"axis\"/>\n"
        "<polyline fill=\"none\" points=\"0.00,0.00 1.00,2.00 3.00,4.50\"/>\n"
        "</svg>\n");
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_text_is_escaped),
        cmocka_unit_test(numbers_are_finite),
        cmocka_unit_test(shapes_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
