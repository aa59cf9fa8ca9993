#include "load/kinds.h"
#include "load/loader.h"
#include "load/sniff.h"

extern const struct loader loader_text, loader_markdown, loader_html, loader_pdf, loader_pdf_text;

const struct loader *const loaders[LOAD_KIND_COUNT] = {
    [LOAD_KIND_TEXT] = &loader_text,         [LOAD_KIND_MARKDOWN] = &loader_markdown,
    [LOAD_KIND_HTML] = &loader_html,         [LOAD_KIND_PDF] = &loader_pdf,
    [LOAD_KIND_PDF_TEXT] = &loader_pdf_text,
};

enum status loader_choose(const struct loader_input *input, const struct loader **out,
                          struct error *err)
{
    const struct span bytes = {input->bytes, input->len};
    const struct extension *extension = extension_find(input->extension);
    bool is_printed = extension && extension->kind == LOAD_KIND_PDF_TEXT;
    enum load_kind kind;
    if (!is_printed && sniff_is_blank(bytes))
        return error_set(err, STATUS_INVALID, "empty: there is no text in it");
    enum status status = sniff_kind(bytes, input->extension, &kind, err);
    if (!status)
        *out = loaders[kind];
    return status;
}

enum status loader_run(const struct loader_input *input, struct sink *sink, struct error *err)
{
    const struct loader *loader = &loader_text; /* what comes in parts is text */
    enum status status = input->is_part ? STATUS_OK : loader_choose(input, &loader, err);
    if (status)
        return status;
    sink_begin(sink, loader->kind);
    status = loader->parse(input, sink, err);
    if (!status)
        status = sink_status(sink, err);
    if (!status && sink->n_blocks == 0 && !input->is_part)
        status = error_set(err, STATUS_INVALID, "empty: there is no text in it");
    if (!status)
        sink_end(sink);
    return status ? status : sink_status(sink, err);
}
