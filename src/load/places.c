/* Where the helper program and the PDF library are. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "load/load.h"
#include "load/worker_internal.h"

#define LIBEXEC RAGGED_PREFIX "/libexec/ragged"

/* Takes `path` when it can be read; frees it else. */
static bool take_when_there(char *path, char **out)
{
    if (path && access(path, R_OK) == 0) {
        *out = path;
        return true;
    }
    mem_free(path);
    return false;
}

static bool find_beside(const char *name, char **out)
{
    char *path = NULL;
    return !path_beside_program(name, &path, NULL) && take_when_there(path, out);
}

enum status load_worker_path(char **out, struct error *err)
{
    const char *given = getenv("RAGGED_PARSE");
    if (given && given[0]) {
        char *path = mem_text(given);
        if (!path)
            return error_nomem(err);
        *out = path;
        return STATUS_OK;
    }
    if (find_beside("ragged-parse", out) ||
        take_when_there(path_join(LIBEXEC, "ragged-parse"), out))
        return STATUS_OK;
    error_set(err, STATUS_NOT_FOUND, "the helper program \"ragged-parse\" is not installed");
    error_hint(err, "it belongs beside ragged or into %s", LIBEXEC);
    return STATUS_NOT_FOUND;
}

static bool find_in_cache(char **out)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *folder = cache && cache[0] ? path_join(cache, "ragged/lib")
                   : home            ? path_join(home, ".cache/ragged/lib")
                                     : NULL;
    bool is_found = folder && take_when_there(path_join(folder, "libpdfium.so"), out);
    mem_free(folder);
    return is_found;
}

enum status load_pdfium_path(char **out, struct error *err)
{
    const char *given = getenv("RAGGED_PDFIUM");
    if (given && given[0]) {
        if (take_when_there(mem_text(given), out))
            return STATUS_OK;
        return error_set(err, STATUS_NOT_FOUND, "could not read \"%s\" (from RAGGED_PDFIUM)",
                         given);
    }
    if (find_beside("libpdfium.so", out) ||
        take_when_there(path_join(LIBEXEC, "libpdfium.so"), out) || find_in_cache(out))
        return STATUS_OK;
    return error_set(err, STATUS_NOT_FOUND, "libpdfium.so is not installed");
}

char *load_pdftotext_path(void)
{
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/bin"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = path_join(folders[i], "pdftotext");
        if (path && access(path, X_OK) == 0)
            return path;
        mem_free(path);
    }
    return NULL;
}
