#include "../testing.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "page/chart.h"
#include "page/page.h"

static void assert_ascending(const struct chart_ticks *ticks)
{
    assert_true(ticks->n >= 2 && ticks->n <= CHART_TICKS_MAX);
    for (size_t i = 1; i < ticks->n; i++)
        assert_true(ticks->at[i] > ticks->at[i - 1]);
}

static void test_ticks__are_round_and_around_the_data(void **state)
{
    static const double ends[][2] = {{0, 1},      {0, 0.0371}, {-3, 7},        {0, 1e12},
                                     {95, 105},   {0, 1e-9},   {1e6, 1e6 + 7}, {-1e300, 1e300},
                                     {-48, -0.1}, {0, 97}};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct chart_ticks ticks;
        chart_ticks_linear(ends[i][0], ends[i][1], 6, &ticks);
        assert_ascending(&ticks);
        assert_true(ticks.low <= ends[i][0] && ticks.high >= ends[i][1]);
        double step = ticks.at[1] - ticks.at[0];
        double digit = step / pow(10, floor(log10(step) + 1e-6));
        assert_true(fabs(digit - 1) < 1e-3 || fabs(digit - 2) < 1e-3 || fabs(digit - 5) < 1e-3);
    }
}

static void test_ticks__of_one_value(void **state)
{
    static const double values[] = {0, 1, -5, 1e15, 1e-15, DBL_MAX / 4, -DBL_MAX / 4};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct chart_ticks ticks;
        chart_ticks_linear(values[i], values[i], 6, &ticks);
        assert_true(ticks.low < ticks.high && ticks.n <= CHART_TICKS_MAX);
        assert_true(ticks.low <= values[i] && ticks.high >= values[i]);
    }
}

static void test_ticks__logarithmic(void **state)
{
    static const double ends[][2] = {{1, 1},      {0.3, 0.31}, {1, 1000},       {9.7, 26.4},
                                     {1e-9, 1e9}, {5, 5},      {1e-300, 1e300}, {0.0042, 0.0059}};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct chart_ticks ticks;
        chart_ticks_log(ends[i][0], ends[i][1], &ticks);
        assert_ascending(&ticks);
        assert_true(ticks.low > 0 && ticks.low <= ends[i][0] && ticks.high >= ends[i][1]);
    }
    struct chart_ticks ticks;
    chart_ticks_log(9.7, 26.4, &ticks);
    assert_true(ticks.at[0] == 5 && ticks.at[ticks.n - 1] == 50);
}

static void test_number__is_short(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},        {0.25, "0.25"},  {1500, "1500"}, {12000, "12k"},
                {3.5e6, "3.5M"}, {2e9, "2G"},     {-0.5, "-0.5"}, {-2e4, "-20k"},
                {NAN, "-"},      {INFINITY, "-"}, {1e16, "1e+16"}};
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        chart_number(rows[i].value, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_quantile__between_two(void **state)
{
    double values[] = {4, 1, 3, 2};
    (void)state;
    numbers_sort(values, 4);
    assert_true(numbers_quantile(values, 4, 0) == 1 && numbers_quantile(values, 4, 1) == 4);
    assert_true(fabs(numbers_quantile(values, 4, 0.5) - 2.5) < 1e-12);
    assert_true(isnan(numbers_quantile(values, 0, 0.5)));
}

/* ---- what comes out ---- */

static const struct chart_text hostile = {
    .title = "</title><script>alert(1)</script>",
    .description = "\"&<>' \x01 \xff \xe2\x80",
    .x_name = "<x>",
    .y_name = "]]>",
};

static void assert_harmless(const struct buf *out)
{
    struct error err = {0};
    const char *text = buf_text(out);
    assert_ok(buf_status(out, &err));
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, "</desc>"));
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c >= 0x20 || *c == '\n');
    assert_string_equal(text + out->len - 7, "</svg>\n");
}

static void draw_all(struct buf *out, const struct chart_text *text, const double *values, size_t n)
{
    struct chart_bar bars[8];
    struct chart_column columns[8];
    struct svg_point points[8];
    static const char *const series[] = {"<a>", "b&"};
    for (size_t i = 0; i < n; i++) {
        bars[i] = (struct chart_bar){hostile.title, values[i], values[n - 1 - i], values[i], i};
        columns[i] = (struct chart_column){values[i], values[n - 1 - i], values[i]};
        points[i] = (struct svg_point){values[i], values[n - 1 - i]};
    }
    const struct chart_line line = {hostile.title, points, n, NULL};
    const struct chart_row row = {hostile.title, values, n, n ? values[0] : NAN, 0};
    buf_reset(out);
    chart_bars(out, text, bars, n, series, 2);
    assert_harmless(out);
    buf_reset(out);
    chart_columns(out, text, columns, n);
    assert_harmless(out);
    buf_reset(out);
    chart_lines(out, text, &line, 1);
    assert_harmless(out);
    buf_reset(out);
    chart_dots(out, text, &row, 1, series, 2);
    assert_harmless(out);
}

static void test_chart__of_hostile_data(void **state)
{
    static const double none[] = {0}, one[] = {3}, nothing[] = {NAN, INFINITY, -INFINITY},
                        mixed[] = {NAN, 0, -5, 1e308, -1e308, 1e-308, 7, INFINITY};
    struct buf out = {0};
    (void)state;
    for (int k = 0; k < 4; k++) {
        struct chart_text text = hostile;
        text.is_x_log = k & 1;
        text.is_y_log = k & 2;
        draw_all(&out, &text, none, 0);
        draw_all(&out, &text, one, 1);
        draw_all(&out, &text, nothing, 3);
        assert_non_null(strstr(buf_text(&out), "no data"));
        draw_all(&out, &text, mixed, 8);
    }
    buf_clear(&out);
}

static double attribute(const char *at, const char *name)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %s=\"", name);
    const char *found = strstr(at, wanted);
    assert_non_null(found);
    return strtod(found + strlen(wanted), NULL);
}

static void test_chart__bars_begin_at_zero(void **state)
{
    const struct chart_bar bars[] = {{"a", 90, NAN, NAN, 0}, {"b", 100, NAN, NAN, 0}};
    struct buf out = {0};
    (void)state;
    chart_bars(&out, &hostile, bars, 2, NULL, 0);
    const char *first = strstr(buf_text(&out), "<rect");
    assert_non_null(first);
    const char *second = strstr(first + 1, "<rect");
    assert_non_null(second);
    assert_true(fabs(attribute(first, "width") / attribute(second, "width") - 0.9) < 1e-3);
    buf_clear(&out);
}

static void test_chart__says_that_an_axis_is_logarithmic(void **state)
{
    const struct svg_point points[] = {{1, 1}, {10, 100}};
    const struct chart_line line = {"a", points, 2, NULL};
    struct chart_text text = hostile;
    struct buf out = {0};
    (void)state;
    chart_lines(&out, &text, &line, 1);
    assert_null(strstr(buf_text(&out), "logarithmic"));
    text.is_y_log = true;
    buf_reset(&out);
    chart_lines(&out, &text, &line, 1);
    assert_non_null(strstr(buf_text(&out), "(logarithmic)"));
    buf_clear(&out);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

/* What is left out is a gap, not a value at the end of the axis. */
static void test_chart__a_line_is_cut_where_nothing_can_be_shown(void **state)
{
    const struct svg_point points[] = {{1, 1}, {2, 3}, {3, -5}, {4, 100}, {5, 10}, {6, NAN}};
    const struct chart_line line = {"a", points, 6, NULL};
    struct chart_text text = hostile;
    struct buf out = {0};
    (void)state;
    text.is_y_log = true;
    chart_lines(&out, &text, &line, 1);
    assert_int_equal(count(buf_text(&out), "<polyline"), 2);
    text.is_y_log = false;
    buf_reset(&out);
    chart_lines(&out, &text, &line, 1);
    assert_int_equal(count(buf_text(&out), "<polyline"), 1);
    buf_clear(&out);
}

static void test_page__escapes_and_keeps_a_failure(void **state)
{
    struct buf out = {0}, small = {.limit_bytes = 100};
    struct error err = {0};
    (void)state;
    page_begin(&out, hostile.title, hostile.description);
    page_table_begin(&out, &hostile.title, 1);
    page_table_row(&out, &hostile.title, 1);
    page_table_end(&out);
    page_end(&out);
    assert_ok(buf_status(&out, &err));
    assert_null(strstr(buf_text(&out), "<script"));
    page_begin(&small, "a", "b");
    assert_status(page_write("/nowhere/page.html", &small, &err), STATUS_LIMIT);
    buf_clear(&out);
    buf_clear(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks__are_round_and_around_the_data),
        cmocka_unit_test(test_ticks__of_one_value),
        cmocka_unit_test(test_ticks__logarithmic),
        cmocka_unit_test(test_number__is_short),
        cmocka_unit_test(test_quantile__between_two),
        cmocka_unit_test(test_chart__of_hostile_data),
        cmocka_unit_test(test_chart__bars_begin_at_zero),
        cmocka_unit_test(test_chart__says_that_an_axis_is_logarithmic),
        cmocka_unit_test(test_chart__a_line_is_cut_where_nothing_can_be_shown),
        cmocka_unit_test(test_page__escapes_and_keeps_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
