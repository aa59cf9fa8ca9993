#include "net/net.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

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

enum status net_origin(const char *url, char out[NET_ORIGIN_MAX], struct error *err)
{
    struct url_host host;
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return error_set(err, STATUS_INVALID, "a URL with blanks or control characters");
    if (!find_host(url, &host)) {
        /* Not quoted whole: it may carry a password. */
        return error_set(err, STATUS_INVALID, "\"%.*s...\" is not an http or https URL with a host",
                         (int)(strpbrk(url, "@?") ? 0 : strcspn(url, "/")), url);
    }
    snprintf(out, NET_ORIGIN_MAX, "%s://%.*s", strncasecmp(url, "https", 5) == 0 ? "https" : "http",
             (int)host.len, host.text);
    return STATUS_OK;
}

enum status net_base_url(const char *text, char **out, struct error *err)
{
    static const char any[] = "http://0.0.0.0";
    char origin[NET_ORIGIN_MAX];
    struct buf url = {0};
    buf_printf(&url, "%s%s", strstr(text, "://") ? "" : "http://", text);
    while (url.len > 0 && url.data[url.len - 1] == '/')
        buf_truncate(&url, url.len - 1);
    if (url.len >= sizeof any - 1 && strncmp(url.data, any, sizeof any - 1) == 0) {
        char *rest = mem_text(url.data + sizeof any - 1);
        buf_reset(&url);
        buf_printf(&url, "http://127.0.0.1%s", rest ? rest : "");
        url.failed = rest ? url.failed : STATUS_NOMEM;
        mem_free(rest);
    }
    enum status status = buf_status(&url, err);
    if (!status)
        status = net_origin(buf_text(&url), origin, err);
    char *owned = status ? NULL : buf_take(&url, NULL);
    if (!status && !owned)
        status = error_nomem(err);
    if (!status)
        *out = owned;
    buf_clear(&url);
    return status;
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
    char name[NET_ORIGIN_MAX];
    if (!find_host(url, &host) || host.len >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)host.len, host.text);
    char *begin = *name == '[' ? name + 1 : name;
    begin[strcspn(begin, *name == '[' ? "]" : ":")] = '\0';
    return is_loopback_host(begin);
}
