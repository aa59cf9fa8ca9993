/* net/curl_library.h - the part of libcurl we use, found at run time. Linking it would cost every
 * start of the program 5.7 ms, and most commands never open a connection. */
#ifndef RAGGED_NET_CURL_LIBRARY_H
#define RAGGED_NET_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/status.h"

/* Each member has the type of the function of that name; curl's own type checking macros do not
 * see these calls, so numbers are passed as long or curl_off_t by hand. */
struct curl_library {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
};

/* Loads the library on the first call of the process; it stays loaded. Borrowed for ever. REMOTE:
 * it is not installed or too old, with a hint. Any thread. */
enum status curl_library_get(const struct curl_library **out, struct error *err) MUST_USE;

#endif
