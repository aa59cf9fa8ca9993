#include "net/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"

#define CURL_LIBRARY_NAME "libcurl.so.4"

/* libcurl itself is process-wide (curl_global_init), and so is the outcome of loading it: written
 * once under pthread_once, read-only after. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct curl_library library;
static char failure[200]; /* "": loaded */

#define SYMBOL(member)                                         \
    {                                                          \
        "curl_" #member, offsetof(struct curl_library, member) \
    }

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    SYMBOL(global_init),   SYMBOL(easy_init),        SYMBOL(easy_setopt),
    SYMBOL(easy_getinfo),  SYMBOL(easy_strerror),    SYMBOL(easy_cleanup),
    SYMBOL(multi_init),    SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle),
    SYMBOL(multi_perform), SYMBOL(multi_poll),       SYMBOL(multi_info_read),
    SYMBOL(multi_cleanup), SYMBOL(slist_append),     SYMBOL(slist_free_all),
};

static void load(void)
{
    void *handle = dlopen(CURL_LIBRARY_NAME, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(failure, sizeof failure, "%s", dlerror());
        return;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol) {
            snprintf(failure, sizeof failure, "%s has no %s (too old)", CURL_LIBRARY_NAME,
                     symbols[i].name);
            return;
        }
        memcpy((char *)&library + symbols[i].offset, &symbol, sizeof symbol);
    }
    CURLcode rc = library.global_init(CURL_GLOBAL_DEFAULT);
    if (rc)
        snprintf(failure, sizeof failure, "%s", library.easy_strerror(rc));
}

enum status curl_library_get(const struct curl_library **out, struct error *err)
{
    pthread_once(&once, load);
    const char *why = fault_hit("net.load") ? "injected failure" : failure;
    if (*why) {
        enum status status =
            error_set(err, STATUS_REMOTE, "could not load the HTTP library: %s", why);
        error_hint(err, "install the package libcurl4");
        return status;
    }
    *out = &library;
    return STATUS_OK;
}
