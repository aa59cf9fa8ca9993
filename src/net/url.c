#include "net/url.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/net.h"

struct url_host {
    const char *text; /* after the scheme and any user and password */
    size_t len;       /* with the port */
};

static bool find_host(const char *url, struct url_host *out)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if (strncasecmp(url, schemes[i], len) != 0)
            continue;
        const char *host = url + len, *end = host + strcspn(host, "/?#");
        for (const char *at = host; at < end; at++)
            if (*at == '@')
                host = at + 1;
        *out = (struct url_host){.text = host, .len = (size_t)(end - host)};
        return out->len > 0;
    }
    return false;
}

enum status url_origin(const char *url, char out[URL_ORIGIN_MAX], struct error *err)
{
    struct url_host host;
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return error_set(err, STATUS_INVALID, "a URL with blanks or control characters");
    if (!find_host(url, &host)) {
        /* Not quoted whole: it may carry a password. */
        return error_set(err, STATUS_INVALID, "\"%.*s...\" is not an http or https URL with a host",
                         (int)strcspn(url, "/@?"), url);
    }
    snprintf(out, URL_ORIGIN_MAX, "%s://%.*s", strncasecmp(url, "https", 5) == 0 ? "https" : "http",
             (int)host.len, host.text);
    return STATUS_OK;
}

static bool is_loopback_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int net_is_loopback(const char *url)
{
    struct url_host host;
    char name[URL_ORIGIN_MAX];
    if (!find_host(url, &host) || host.len >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)host.len, host.text);
    char *begin = *name == '[' ? name + 1 : name;
    begin[strcspn(begin, *name == '[' ? "]" : ":")] = '\0';
    return is_loopback_host(begin);
}
