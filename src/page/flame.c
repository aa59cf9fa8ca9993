#include "page/flame.h"

#include <stdio.h>

#include "page/svg.h"

#define WIDTH 1200.0
#define MARGIN 10.0
#define ROW 20.0
#define HEAD 40.0
#define FOOT 30.0
#define LETTER 6.8     /* of the monospaced face below */
#define NARROWEST 0.25 /* less is not seen */
#define N_HUES 6

static const char style[] = "text { font: 11px ui-monospace, monospace; fill: #222 }\n"
                            ".page { fill: #fbfaf7 }\n"
                            ".title { font-size: 15px }\n"
                            ".note { fill: #666 }\n"
                            ".frame { stroke: #fbfaf7; stroke-width: 1 }\n"
                            ".frame:hover { stroke: #222 }\n"
                            ".label { pointer-events: none }\n"
                            ".all { fill: #d8d4cc }\n"
                            ".h0 { fill: #f2a65a } .h1 { fill: #f0b878 } .h2 { fill: #e88d67 }\n"
                            ".h3 { fill: #f5c26b } .h4 { fill: #e9a178 } .h5 { fill: #efcb8b }\n";

struct flame {
    const struct trace_tree *tree;
    enum flame_clock clock;
    double weight[TRACE_NODES_MAX]; /* ns; a node is at least as heavy as what is part of it */
    unsigned depth[TRACE_NODES_MAX];
    unsigned depth_max;
    double scale; /* pixels of a nanosecond */
    struct buf *out;
};

/* Children stand behind their parent in the table: backwards, each sum is whole when it is used. */
static void weigh(struct flame *f)
{
    const struct trace_tree *tree = f->tree;
    double parts[TRACE_NODES_MAX] = {0};
    for (unsigned i = tree->n_nodes; i-- > 0;) {
        const struct trace_node *node = &tree->nodes[i];
        double own = (double)(f->clock == FLAME_CPU ? node->cpu_ns : node->wall_ns);
        f->weight[i] = own > parts[i] ? own : parts[i];
        if (i > 0)
            parts[node->i_parent] += f->weight[i];
    }
    for (unsigned i = 1; i < tree->n_nodes; i++) {
        f->depth[i] = f->depth[tree->nodes[i].i_parent] + 1;
        f->depth_max = f->depth[i] > f->depth_max ? f->depth[i] : f->depth_max;
    }
}

static double self_of(const struct flame *f, unsigned i_node)
{
    double self = f->weight[i_node];
    for (unsigned i = f->tree->nodes[i_node].i_first_child; i; i = f->tree->nodes[i].i_next)
        self -= f->weight[i];
    return self > 0 ? self : 0;
}

static const char *name_of(const struct flame *f, unsigned i_node)
{
    return i_node ? trace_stage_name(f->tree->nodes[i_node].stage) : "all";
}

static void draw_label(const struct flame *f, const struct svg_box *box, const char *name)
{
    char label[64];
    int n_fitting = (int)((box->width - 6) / LETTER);
    if (n_fitting < 3)
        return;
    snprintf(label, sizeof label, "%.*s", n_fitting, name);
    svg_text(f->out, box->x + 4, box->y + ROW - 6, SVG_ANCHOR_START, "label", label);
}

static void draw_frame(const struct flame *f, unsigned i_node, const struct svg_box *box)
{
    char title[160], css[16];
    const char *name = name_of(f, i_node);
    double all = f->weight[0] > 0 ? f->weight[0] : 1;
    int len = snprintf(title, sizeof title, "%s: %.3f ms (%.1f %%)", name, f->weight[i_node] / 1e6,
                       100 * f->weight[i_node] / all);
    if (i_node)
        snprintf(title + len, sizeof title - (size_t)len, ", itself %.3f ms, calls: %llu",
                 self_of(f, i_node) / 1e6, (unsigned long long)f->tree->nodes[i_node].n_calls);
    snprintf(css, sizeof css, i_node ? "frame h%d" : "frame all",
             (int)f->tree->nodes[i_node].stage % N_HUES);
    svg_rect(f->out, box, css, title);
    draw_label(f, box, name);
}

/* Stages in the order of their table, so that two graphs can be laid side by side. */
static void draw(const struct flame *f, unsigned i_node, double x)
{
    const struct trace_node *nodes = f->tree->nodes;
    const struct svg_box box = {
        .x = x,
        .y = HEAD + ROW * (double)(f->depth_max - f->depth[i_node]),
        .width = f->weight[i_node] * f->scale,
        .height = ROW,
    };
    if (box.width < NARROWEST)
        return;
    draw_frame(f, i_node, &box);
    for (int stage = 0; stage < TRACE_STAGE_COUNT; stage++)
        for (unsigned i = nodes[i_node].i_first_child; i; i = nodes[i].i_next)
            if ((int)nodes[i].stage == stage) {
                draw(f, i, x);
                x += f->weight[i] * f->scale;
            }
}

void flame_draw(const struct trace_tree *tree, enum flame_clock clock, const char *title,
                const char *note, struct buf *out)
{
    struct flame f = {.tree = tree, .clock = clock, .out = out};
    weigh(&f);
    f.scale = f.weight[0] > 0 ? (WIDTH - 2 * MARGIN) / f.weight[0] : 0;
    double height = HEAD + ROW * (double)(f.depth_max + 1) + FOOT;
    svg_begin(out, WIDTH, height, title, style);
    svg_rect(out, &(struct svg_box){0, 0, WIDTH, height}, "page", NULL);
    svg_text(out, MARGIN, 24, SVG_ANCHOR_START, "title", title);
    draw(&f, 0, MARGIN);
    svg_text(out, MARGIN, height - 10, SVG_ANCHOR_START, "note", note);
    svg_end(out);
}
