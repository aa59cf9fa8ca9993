#include "load/pdfium.h"

#include <dlfcn.h>
#include <string.h>

/* FPDF_SYSFONTINFO of fpdf_sysfontinfo.h, version 1: every question about fonts of the system is
 * answered with "none", so that no font file is looked for inside the jail. */
struct font_info {
    int version;
    void (*release)(struct font_info *);
    void (*enum_fonts)(struct font_info *, void *);
    void *(*map_font)(struct font_info *, int, int, int, int, const char *, int *);
    void *(*get_font)(struct font_info *, const char *);
    unsigned long (*get_font_data)(struct font_info *, void *, unsigned, unsigned char *,
                                   unsigned long);
    unsigned long (*get_face_name)(struct font_info *, void *, char *, unsigned long);
    int (*get_font_charset)(struct font_info *, void *);
    void (*delete_font)(struct font_info *, void *);
};

static void *map_no_font(struct font_info *info, int weight, int italic, int charset, int pitch,
                         const char *face, int *exact)
{
    (void)info, (void)weight, (void)italic, (void)charset, (void)pitch, (void)face, (void)exact;
    return NULL;
}

static void *get_no_font(struct font_info *info, const char *face)
{
    (void)info, (void)face;
    return NULL;
}

static struct font_info no_fonts = {.version = 1, .map_font = map_no_font, .get_font = get_no_font};

/* The order and the names of the function pointers of struct pdfium. */
static const char *const names[] = {
    "FPDF_InitLibrary",     "FPDF_SetSystemFontInfo", "FPDF_LoadMemDocument64",
    "FPDF_GetLastError",    "FPDF_GetPageCount",      "FPDF_GetMetaText",
    "FPDF_LoadPage",        "FPDF_ClosePage",         "FPDFText_LoadPage",
    "FPDFText_CountChars",  "FPDFText_GetText",       "FPDFText_GetUnicode",
    "FPDFText_GetFontSize", "FPDFText_GetCharOrigin", "FPDFText_ClosePage",
    "FPDF_CloseDocument",
};

enum status pdfium_load(const char *path, struct pdfium *out, struct error *err)
{
    struct pdfium pdfium = {.library = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (!pdfium.library)
        return error_set(err, STATUS_IO, "could not load \"%s\": %s", path, dlerror());
    char *slot = (char *)&pdfium + offsetof(struct pdfium, init_library);
    _Static_assert(sizeof pdfium - offsetof(struct pdfium, init_library) ==
                       sizeof names / sizeof names[0] * sizeof(void *),
                   "one name for each function");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *function = dlsym(pdfium.library, names[i]);
        if (!function) {
            dlclose(pdfium.library);
            return error_set(err, STATUS_IO, "\"%s\" has no function \"%s\"", path, names[i]);
        }
        memcpy(slot + i * sizeof function, &function, sizeof function);
    }
    pdfium.init_library();
    pdfium.set_system_font_info(&no_fonts);
    *out = pdfium;
    return STATUS_OK;
}
