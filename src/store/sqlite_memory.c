/* SQLite's memory comes from base/mem.h too. Only that is in this file: base/mem_account.h books
 * what comes through it to SQLite. */
#include <malloc.h>

#include "base/mem.h"
#include "store/statement.h"
#include "store/store.h"

static void *sqlite_alloc(int size)
{
    return mem_alloc((size_t)size);
}

static void *sqlite_resize(void *old, int size)
{
    return mem_resize(old, 1, (size_t)size);
}

static int sqlite_size(void *p)
{
    return (int)malloc_usable_size(p);
}

static int sqlite_roundup(int size)
{
    return (size + 7) & ~7;
}

static int sqlite_mem_init(void *ctx)
{
    (void)ctx;
    return SQLITE_OK;
}

static void sqlite_mem_shutdown(void *ctx)
{
    (void)ctx;
}

void store_use_mem(void)
{
    static const sqlite3_mem_methods methods = {
        .xMalloc = sqlite_alloc,
        .xFree = mem_free,
        .xRealloc = sqlite_resize,
        .xSize = sqlite_size,
        .xRoundup = sqlite_roundup,
        .xInit = sqlite_mem_init,
        .xShutdown = sqlite_mem_shutdown,
    };
    /* Refused once SQLite runs; then this call came too late or twice, and nothing changes. */
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods))
        return;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
#ifdef RAGGED_FAULT
    /* Small allocations out of a pool of its own would never fail. */
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
#endif
}
