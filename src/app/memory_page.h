/* app/memory_page.h - what profile-memory found as a page with charts. */
#ifndef RAGGED_APP_MEMORY_PAGE_H
#define RAGGED_APP_MEMORY_PAGE_H

#include "app/memory_report.h"

enum status memory_page_write(const char *path, const struct memory_report *report,
                              const struct memory_watch *watch, struct error *err) MUST_USE;

#endif
