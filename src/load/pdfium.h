/* load/pdfium.h - the few functions of libpdfium.so that are used; it ships without headers.
 *
 * Loaded with dlopen before the jail closes. One thread at a time per process. */
#ifndef RAGGED_LOAD_PDFIUM_H
#define RAGGED_LOAD_PDFIUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct pdfium {
    void *library; /* dlopen handle; kept until the process ends */
    void (*init_library)(void);
    void (*set_system_font_info)(void *font_info);
    void *(*load_document)(const void *bytes, size_t len, const char *password);
    unsigned long (*get_last_error)(void);
    int (*get_page_count)(void *document);
    unsigned long (*get_meta_text)(void *document, const char *tag, void *utf16, unsigned long len);
    void *(*load_page)(void *document, int i_page);
    void (*close_page)(void *page);
    void *(*load_text)(void *page);
    int (*count_chars)(void *text);
    int (*get_text)(void *text, int start, int count, uint16_t *utf16);
    unsigned (*get_unicode)(void *text, int i_character);
    double (*get_font_size)(void *text, int i_character);
    int (*get_origin)(void *text, int i_character, double *out_x, double *out_y); /* 0: none */
    void (*close_text)(void *text);
    void (*close_document)(void *document);
};

/* IO: not loadable; the sentence says why. */
enum status pdfium_load(const char *path, struct pdfium *out, struct error *err) MUST_USE;

#endif
