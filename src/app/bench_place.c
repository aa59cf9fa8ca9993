#include "app/bench_place.h"

#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"

enum { WORDS_A_FILE = 120 };

static const char *const words[] = {
    "river",  "stone", "winter", "market", "paper", "garden", "music",  "number",
    "letter", "field", "bridge", "window", "glass", "summer", "doctor", "village",
};
#define N_WORDS (sizeof words / sizeof words[0])

enum status bench_place_write(const struct bench_place *place, size_t i_file, unsigned seed,
                              struct error *err)
{
    struct buf text = {0};
    char name[32];
    snprintf(name, sizeof name, "file-%05zu.txt", i_file);
    char *path = path_join(place->documents, name);
    seed += (unsigned)i_file * 7919u;
    for (size_t i = 0; i < WORDS_A_FILE; i++) {
        seed = seed * 1664525u + 1013904223u;
        buf_printf(&text, "%s%c", words[(seed >> 8) % N_WORDS], i % 12 == 11 ? '\n' : ' ');
    }
    enum status status = path ? buf_status(&text, err) : error_nomem(err);
    if (!status)
        status = file_replace(path, buf_text(&text), text.len, 0600, err);
    buf_clear(&text);
    mem_free(path);
    return status;
}

static enum status make(struct bench_place *place, size_t n_files, struct error *err)
{
    enum status status = scratch_open("benchmark", &place->scratch, err);
    if (status)
        return status;
    place->documents = path_join(scratch_path(place->scratch), "documents");
    place->data = path_join(scratch_path(place->scratch), "data");
    if (!place->documents || !place->data)
        return error_nomem(err);
    status = folder_make(place->documents, err);
    for (size_t i = 0; i < n_files && !status; i++)
        status = bench_place_write(place, i, 1, err);
    return status;
}

static enum status clear(struct bench_place *place, struct error *err)
{
    enum status status = scratch_close(place->scratch, err);
    mem_free(place->documents);
    mem_free(place->data);
    return status;
}

enum status bench_place_run(struct benchmark *benchmark,
                            enum status (*measure)(struct benchmark *benchmark,
                                                   const struct bench_place *place, size_t n_files,
                                                   struct error *err),
                            struct error *err)
{
    struct bench_place place = {0};
    size_t n = (size_t)arguments_number(&benchmark->app->arguments, "size", 40);
    enum status status = make(&place, n, err);
    if (!status)
        status = measure(benchmark, &place, n, err);
    enum status cleared = clear(&place, status ? NULL : err);
    return status ? status : cleared;
}
