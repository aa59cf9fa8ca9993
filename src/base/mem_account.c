/* Books: a table of live blocks in 64 locked parts, a table of sites without locks. Both are mapped
 * memory, because what they are about is the heap. */
#include "base/mem_account.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/code.h"
#include "base/mem.h"

enum { N_PARTS = 64, N_SITES = 4096, PART_MIN = 128, FRAMES_MAX = 48, FILES_MAX = 2048 };

struct counter {
    atomic_ullong current, peak, n_current, n_blocks, n_bytes;
};

struct block {
    uintptr_t at; /* 0: free */
    size_t size_bytes;
    uint32_t i_site;
};

struct part {
    pthread_mutex_t mutex;
    struct block *blocks; /* [n_max], a power of two; open addressing */
    size_t n, n_max;
};

struct site {
    atomic_uintptr_t key; /* 0: free; written last */
    _Atomic(const void *) address;
    atomic_size_t i_subsystem;
    struct counter counter;
};

struct mem_account {
    struct mem_observer observer;
    struct part parts[N_PARTS];
    struct site sites[N_SITES];
    unsigned char subsystem_of_file[FILES_MAX];
    bool is_glue[FILES_MAX]; /* its code allocates for others */
    pthread_mutex_t naming;  /* of what follows */
    char names[MEM_SUBSYSTEMS_MAX][32];
    atomic_size_t n_subsystems;
    struct counter subsystems[MEM_SUBSYSTEMS_MAX];
    struct counter total;
    atomic_ullong size_classes[MEM_SIZE_CLASSES];
    atomic_ullong high, own_bytes, n_missed;
};

static void *map_new(size_t n_bytes)
{
    void *p = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* ---- counting ---- */

static void raise(atomic_ullong *peak, unsigned long long value)
{
    unsigned long long was = atomic_load_explicit(peak, memory_order_relaxed);
    while (value > was && !atomic_compare_exchange_weak(peak, &was, value))
        ;
}

static unsigned long long count_added(struct counter *counter, size_t size_bytes)
{
    unsigned long long now = atomic_fetch_add(&counter->current, size_bytes) + size_bytes;
    raise(&counter->peak, now);
    atomic_fetch_add(&counter->n_current, 1);
    atomic_fetch_add(&counter->n_blocks, 1);
    atomic_fetch_add(&counter->n_bytes, size_bytes);
    return now;
}

static void count_removed(struct counter *counter, size_t size_bytes)
{
    atomic_fetch_sub(&counter->current, size_bytes);
    atomic_fetch_sub(&counter->n_current, 1);
}

static struct mem_count counts_of(const struct counter *counter)
{
    return (struct mem_count){
        .current_bytes = atomic_load(&counter->current),
        .peak_bytes = atomic_load(&counter->peak),
        .n_current = atomic_load(&counter->n_current),
        .n_blocks = atomic_load(&counter->n_blocks),
        .n_bytes = atomic_load(&counter->n_bytes),
    };
}

static size_t size_class_of(size_t size_bytes)
{
    size_t i = size_bytes > 1 ? 64 - (size_t)__builtin_clzll(size_bytes - 1) : 0;
    return i < MEM_SIZE_CLASSES ? i : MEM_SIZE_CLASSES - 1;
}

/* ---- subsystems ---- */

static size_t subsystem_named(struct mem_account *account, const char *name)
{
    pthread_mutex_lock(&account->naming);
    size_t n = atomic_load(&account->n_subsystems), i = 0;
    while (i < n && strcmp(account->names[i], name) != 0)
        i++;
    if (i == n && n == MEM_SUBSYSTEMS_MAX - 1)
        name = "others";
    if (i == n && n < MEM_SUBSYSTEMS_MAX) {
        snprintf(account->names[i], sizeof account->names[i], "%s", name);
        atomic_store(&account->n_subsystems, n + 1);
    }
    pthread_mutex_unlock(&account->naming);
    return i < MEM_SUBSYSTEMS_MAX ? i : MEM_SUBSYSTEMS_MAX - 1;
}

/* base/ allocates for whoever calls it, and what hands memory to SQLite too. */
static bool is_glue(const char *path)
{
    return strstr(path, "/base/") || strstr(path, "/store/sqlite_memory.c");
}

static void sort_files(struct mem_account *account)
{
    for (size_t i = 0; i < code_file_count() && i < FILES_MAX; i++) {
        char room[32];
        code_file_room(i, room, sizeof room);
        account->is_glue[i] = is_glue(code_file_path(i));
        account->subsystem_of_file[i] = (unsigned char)subsystem_named(account, room);
    }
}

/* "libsqlite3" for ".../libsqlite3.so.0". */
static size_t subsystem_of_library(struct mem_account *account, const void *address)
{
    Dl_info info;
    char name[32] = "unknown";
    if (address && dladdr(address, &info) && info.dli_fname) {
        const char *slash = strrchr(info.dli_fname, '/');
        snprintf(name, sizeof name, "%s", slash ? slash + 1 : info.dli_fname);
        name[strcspn(name, ".")] = '\0';
    }
    return subsystem_named(account, name);
}

/* ---- sites ---- */

struct wanted {
    const void *address; /* in the first function of ours that is no glue */
    const void *library; /* in the library that called our allocator, if one did */
    size_t i_file;
};

static struct wanted find_wanted(const struct mem_account *account)
{
    void *frames[FRAMES_MAX];
    struct wanted wanted = {.i_file = CODE_FILE_NONE}, glue = wanted;
    int n = backtrace(frames, FRAMES_MAX);
    for (int i = 1; i < n; i++) {
        /* What is found is where a call returns to: behind it, in the next function perhaps. */
        const void *at = (const char *)frames[i] - 1;
        size_t file = code_file_find(at);
        if (file == CODE_FILE_NONE && !wanted.library)
            wanted.library = at;
        if (file >= FILES_MAX)
            continue;
        struct wanted *found = account->is_glue[file] ? &glue : &wanted;
        *found = (struct wanted){at, wanted.library, file};
        if (found == &wanted)
            return wanted;
    }
    /* A thread of base/ itself, when nobody else is there. */
    glue.library = NULL;
    return glue.address ? glue : wanted;
}

/* What a function takes itself and what a library takes on its behalf are two sites. */
static uintptr_t key_of(const struct wanted *wanted)
{
    return ((uintptr_t)wanted->address << 1 | (wanted->library != NULL)) + 2;
}

static size_t hash_of(uintptr_t key)
{
    return (size_t)(((uint64_t)key * 0x9E3779B97F4A7C15u) >> 32);
}

static void describe(struct mem_account *account, struct site *site, const struct wanted *wanted)
{
    size_t subsystem = wanted->library || !wanted->address
                           ? subsystem_of_library(account, wanted->library)
                           : account->subsystem_of_file[wanted->i_file];
    atomic_store(&site->i_subsystem, subsystem);
    atomic_store(&site->address, wanted->address);
}

/* N_SITES: no room for another. */
static size_t find_site(struct mem_account *account, const struct wanted *wanted)
{
    uintptr_t key = key_of(wanted);
    for (size_t k = 0; k < N_SITES; k++) {
        size_t i = (hash_of(key) + k) % N_SITES;
        struct site *site = &account->sites[i];
        uintptr_t was = atomic_load(&site->key);
        if (was == key)
            return i;
        if (was)
            continue;
        pthread_mutex_lock(&account->parts[i % N_PARTS].mutex);
        was = atomic_load(&site->key);
        if (!was) {
            describe(account, site, wanted);
            atomic_store(&site->key, key);
        }
        pthread_mutex_unlock(&account->parts[i % N_PARTS].mutex);
        if (!was || was == key)
            return i;
    }
    return N_SITES;
}

/* ---- blocks ---- */

static struct part *part_of(struct mem_account *account, uintptr_t at)
{
    return &account->parts[(hash_of(at) >> 20) % N_PARTS];
}

static struct block *find_block(const struct part *part, uintptr_t at)
{
    size_t i = hash_of(at) & (part->n_max - 1);
    while (part->blocks[i].at && part->blocks[i].at != at)
        i = (i + 1) & (part->n_max - 1);
    return &part->blocks[i];
}

static bool grow(struct mem_account *account, struct part *part)
{
    struct part grown = {.n = part->n, .n_max = part->n_max ? 2 * part->n_max : PART_MIN};
    grown.blocks = map_new(grown.n_max * sizeof *grown.blocks);
    if (!grown.blocks)
        return false;
    for (size_t i = 0; i < part->n_max; i++)
        if (part->blocks[i].at)
            *find_block(&grown, part->blocks[i].at) = part->blocks[i];
    if (part->blocks)
        munmap(part->blocks, part->n_max * sizeof *part->blocks);
    atomic_fetch_add(&account->own_bytes, (grown.n_max - part->n_max) * sizeof *part->blocks);
    part->blocks = grown.blocks;
    part->n_max = grown.n_max;
    return true;
}

static bool keep_block(struct mem_account *account, const struct block *block)
{
    struct part *part = part_of(account, block->at);
    pthread_mutex_lock(&part->mutex);
    bool is_kept = (part->n + 1) * 2 <= part->n_max || grow(account, part);
    if (is_kept) {
        *find_block(part, block->at) = *block;
        part->n++;
    }
    pthread_mutex_unlock(&part->mutex);
    return is_kept;
}

/* Those behind it move up, so that nobody's way to its block is cut. */
static void close_gap(struct part *part, size_t gap)
{
    size_t mask = part->n_max - 1;
    for (size_t i = (gap + 1) & mask; part->blocks[i].at; i = (i + 1) & mask) {
        size_t home = hash_of(part->blocks[i].at) & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        part->blocks[gap] = part->blocks[i];
        gap = i;
    }
    part->blocks[gap] = (struct block){0};
}

static bool drop_block(struct mem_account *account, uintptr_t at, struct block *out)
{
    struct part *part = part_of(account, at);
    pthread_mutex_lock(&part->mutex);
    struct block *block = part->n_max ? find_block(part, at) : NULL;
    bool is_found = block && block->at == at;
    if (is_found) {
        *out = *block;
        close_gap(part, (size_t)(block - part->blocks));
        part->n--;
    }
    pthread_mutex_unlock(&part->mutex);
    return is_found;
}

static void on_added(void *ctx, uintptr_t at, size_t size_bytes)
{
    struct mem_account *account = ctx;
    struct wanted wanted = find_wanted(account);
    size_t i = find_site(account, &wanted);
    struct block block = {at, size_bytes, (uint32_t)i};
    if (i == N_SITES || !keep_block(account, &block)) {
        atomic_fetch_add(&account->n_missed, 1);
        return;
    }
    struct site *site = &account->sites[i];
    count_added(&site->counter, size_bytes);
    count_added(&account->subsystems[atomic_load(&site->i_subsystem)], size_bytes);
    raise(&account->high, count_added(&account->total, size_bytes));
    atomic_fetch_add(&account->size_classes[size_class_of(size_bytes)], 1);
}

static size_t on_removed(void *ctx, uintptr_t at)
{
    struct mem_account *account = ctx;
    struct block block;
    if (!drop_block(account, at, &block))
        return 0;
    struct site *site = &account->sites[block.i_site];
    count_removed(&site->counter, block.size_bytes);
    count_removed(&account->subsystems[atomic_load(&site->i_subsystem)], block.size_bytes);
    count_removed(&account->total, block.size_bytes);
    return block.size_bytes;
}

/* ---- the door ---- */

enum status mem_account_new(struct mem_account **out, struct error *err)
{
    struct mem_account *account = map_new(sizeof *account);
    void *frame[1];
    if (!account)
        return error_nomem(err);
    account->observer = (struct mem_observer){on_added, on_removed, account};
    pthread_mutex_init(&account->naming, NULL);
    for (size_t i = 0; i < N_PARTS; i++)
        pthread_mutex_init(&account->parts[i].mutex, NULL);
    atomic_store(&account->own_bytes, sizeof *account);
    sort_files(account);
    (void)backtrace(frame, 1); /* the first one loads a library */
    *out = account;
    return STATUS_OK;
}

void mem_account_begin(struct mem_account *account)
{
    mem_observe(&account->observer);
}

void mem_account_end(struct mem_account *account)
{
    (void)account;
    mem_observe(NULL);
}

void mem_account_free(struct mem_account *account)
{
    if (!account)
        return;
    for (size_t i = 0; i < N_PARTS; i++) {
        struct part *part = &account->parts[i];
        if (part->blocks)
            munmap(part->blocks, part->n_max * sizeof *part->blocks);
        pthread_mutex_destroy(&part->mutex);
    }
    pthread_mutex_destroy(&account->naming);
    munmap(account, sizeof *account);
}

void mem_account_total(const struct mem_account *account, struct mem_count *out)
{
    *out = counts_of(&account->total);
}

size_t mem_account_subsystems(const struct mem_account *account)
{
    return atomic_load(&account->n_subsystems);
}

void mem_account_subsystem(const struct mem_account *account, size_t i, struct mem_subsystem *out)
{
    memcpy(out->name, account->names[i], sizeof out->name);
    out->count = counts_of(&account->subsystems[i]);
}

enum status mem_account_sites(const struct mem_account *account, struct mem_site **out,
                              size_t *out_n, struct error *err)
{
    struct mem_site *sites = mem_array(N_SITES, sizeof *sites);
    size_t n = 0;
    if (!sites)
        return error_nomem(err);
    for (size_t i = 0; i < N_SITES; i++) {
        const struct site *site = &account->sites[i];
        if (atomic_load(&site->key))
            sites[n++] =
                (struct mem_site){atomic_load(&site->address), atomic_load(&site->i_subsystem),
                                  counts_of(&site->counter)};
    }
    *out = sites;
    *out_n = n;
    return STATUS_OK;
}

uint64_t mem_account_size_class(const struct mem_account *account, size_t i)
{
    return atomic_load(&account->size_classes[i]);
}

uint64_t mem_account_take_high(struct mem_account *account)
{
    uint64_t now = atomic_load(&account->total.current),
             high = atomic_exchange(&account->high, now);
    return high > now ? high : now;
}

uint64_t mem_account_own_bytes(const struct mem_account *account)
{
    return atomic_load(&account->own_bytes);
}

uint64_t mem_account_missed(const struct mem_account *account)
{
    return atomic_load(&account->n_missed);
}
