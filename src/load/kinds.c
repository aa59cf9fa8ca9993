#include "load/kinds.h"

#include <strings.h>

#include "base/file.h"
#include "load/load.h"

static const char *const kind_names[] = {"text", "markdown", "html", "pdf", NULL};

#define PROSE LOAD_KIND_TEXT, TEXT_STYLE_PROSE, false
#define LINES LOAD_KIND_TEXT, TEXT_STYLE_LINES, false
#define SCRIPT LOAD_KIND_TEXT, TEXT_STYLE_LINES, true

static const struct extension extensions[] = {
    {".txt", PROSE},
    {".text", PROSE},
    {".rst", PROSE},
    {".tex", PROSE},
    {".man", PROSE},
    {".org", LOAD_KIND_TEXT, TEXT_STYLE_STARS, false},
    {".adoc", LOAD_KIND_TEXT, TEXT_STYLE_EQUALS, false},
    {".asciidoc", LOAD_KIND_TEXT, TEXT_STYLE_EQUALS, false},
    {".md", LOAD_KIND_MARKDOWN, TEXT_STYLE_PROSE, false},
    {".markdown", LOAD_KIND_MARKDOWN, TEXT_STYLE_PROSE, false},
    {".mkd", LOAD_KIND_MARKDOWN, TEXT_STYLE_PROSE, false},
    {".html", LOAD_KIND_HTML, TEXT_STYLE_PROSE, false},
    {".htm", LOAD_KIND_HTML, TEXT_STYLE_PROSE, false},
    {".xhtml", LOAD_KIND_HTML, TEXT_STYLE_PROSE, false},
    {".pdf", LOAD_KIND_PDF, TEXT_STYLE_PROSE, false},
    {".log", LINES},
    {".csv", LINES},
    {".tsv", LINES},
    {".json", LINES},
    {".jsonl", LINES},
    {".yaml", LINES},
    {".yml", LINES},
    {".toml", LINES},
    {".ini", LINES},
    {".conf", LINES},
    {".cfg", LINES},
    {".xml", LINES},
    {".css", SCRIPT},
    {".sql", LINES},
    {".c", LINES},
    {".h", LINES},
    {".cc", LINES},
    {".cpp", LINES},
    {".cxx", LINES},
    {".hh", LINES},
    {".hpp", LINES},
    {".cs", LINES},
    {".go", LINES},
    {".rs", LINES},
    {".java", LINES},
    {".kt", LINES},
    {".scala", LINES},
    {".swift", LINES},
    {".m", LINES},
    {".js", SCRIPT},
    {".mjs", SCRIPT},
    {".ts", LINES},
    {".tsx", LINES},
    {".jsx", LINES},
    {".py", LINES},
    {".rb", LINES},
    {".pl", LINES},
    {".pm", LINES},
    {".php", LINES},
    {".lua", LINES},
    {".r", LINES},
    {".jl", LINES},
    {".hs", LINES},
    {".ml", LINES},
    {".el", LINES},
    {".lisp", LINES},
    {".clj", LINES},
    {".ex", LINES},
    {".erl", LINES},
    {".sh", LINES},
    {".bash", LINES},
    {".zsh", LINES},
    {".fish", LINES},
    {".awk", LINES},
    {".mk", LINES},
    {".cmake", LINES},
    {".s", LINES},
    {".vim", LINES},
    {".diff", LINES},
    {".patch", LINES},
};

/* Texts by custom, without an extension. */
static const char *const bare_names[] = {
    "readme",  "license", "licence", "copying", "copyright", "notice", "authors", "credits",
    "install", "news",    "changes", "history", "changelog", "todo",   "faq",     "manual",
};

static const struct extension pdf_text = {EXTENSION_PDF_TEXT, LOAD_KIND_PDF_TEXT, TEXT_STYLE_PROSE,
                                          false};

const struct extension *extension_find(const char *name)
{
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcasecmp(extensions[i].name, name) == 0)
            return &extensions[i];
    return strcasecmp(name, pdf_text.name) == 0 ? &pdf_text : NULL;
}

bool load_knows_name(const char *path)
{
    const struct extension *found = extension_find(path_extension(path));
    if (found)
        return found != &pdf_text;
    for (size_t i = 0; i < sizeof bare_names / sizeof bare_names[0]; i++)
        if (strcasecmp(bare_names[i], path_name(path)) == 0)
            return true;
    return false;
}

const char *const *load_kinds(void)
{
    return kind_names;
}
