#include "load/loader.h"
static enum status parse(const struct loader_input *i, struct sink *s, struct error *err)
{
    (void)i, (void)s;
    return error_set(err, STATUS_INVALID, "PDF is not read yet");
}
const struct loader loader_pdf = {.kind = "pdf", .parse = parse};
const struct loader loader_pdf_text = {.kind = "pdf", .parse = parse};
