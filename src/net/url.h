/* net/url.h - the little we must know of a URL; libcurl does the real parsing. */
#ifndef RAGGED_NET_URL_H
#define RAGGED_NET_URL_H

#include "base/status.h"

#define URL_ORIGIN_MAX 160

/* "http://host:port" for messages: no path, no user and password; cut when longer. INVALID: not an
 * http or https URL with a host, or it holds control characters. */
enum status url_origin(const char *url, char out[URL_ORIGIN_MAX], struct error *err) MUST_USE;

#endif
