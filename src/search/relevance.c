#include "search/relevance.h"

#define COVERAGE_PASSAGES 5
#define COVERAGE_WEIGHT 0.5
#define LEXICAL_ONLY_FLOOR 0.5

static enum status cover(const struct relevance_input *input, const struct engine_hit *hit,
                         double *out, struct error *err)
{
    struct buf both = {0};
    buf_printf(&both, "%s\n%s", hit->heading, hit->text);
    enum status status = buf_status(&both, err);
    if (!status)
        status =
            lexical_coverage(input->analyzer, input->terms, buf_text(&both), both.len, out, err);
    buf_clear(&both);
    return status;
}

/* cos_top1 + 0.5 * coverage, and whether it clears the floor (RETRIEVAL study, section 6). Passages
 * without a vector are judged by their words, as all are where there is none. */
enum status relevance_judge(struct engine_hits *hits, const struct relevance_input *input,
                            struct error *err)
{
    double best_coverage = 0, best_bare_coverage = 0;
    for (size_t i = 0; i < hits->n && i < COVERAGE_PASSAGES; i++) {
        const struct engine_hit *hit = &hits->hit[i];
        double coverage = 0;
        enum status status = cover(input, hit, &coverage, err);
        if (status)
            return status;
        if (coverage > best_coverage)
            best_coverage = coverage;
        if (!hit->has_vector && coverage > best_bare_coverage)
            best_bare_coverage = coverage;
    }
    hits->relevance =
        input->has_vectors ? input->best_cosine + COVERAGE_WEIGHT * best_coverage : best_coverage;
    hits->is_relevant =
        hits->n > 0 && ((input->has_vectors && hits->relevance >= RELEVANCE_FLOOR) ||
                        best_bare_coverage >= LEXICAL_ONLY_FLOOR);
    return STATUS_OK;
}
