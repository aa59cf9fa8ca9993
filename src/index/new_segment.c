#include "index/new_segment.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

static enum status choose_name(struct new_segment *segment, struct error *err)
{
    uint64_t random;
    enum status status = random_bytes(&random, sizeof random, err);
    if (!status)
        snprintf(segment->name, sizeof segment->name, "%c%016llx",
                 segment->kind == STORE_KIND_LEXICAL ? 'l' : 'v', (unsigned long long)random);
    return status;
}

static enum status read_maker(struct new_segment *segment, struct store *store, struct error *err)
{
    struct arena arena = {0};
    const char *maker = NULL;
    const char *key =
        segment->kind == STORE_KIND_LEXICAL ? STORE_META_ANALYZER : STORE_META_FINGERPRINT;
    enum status status = store_get_meta(store, key, &arena, &maker, err);
    if (!status)
        snprintf(segment->maker, sizeof segment->maker, "%s", maker ? maker : "");
    arena_clear(&arena);
    return status;
}

static enum status make_folder(const char *data_folder, struct error *err)
{
    char *folder = path_join(data_folder, "segments");
    enum status status = folder ? folder_make(folder, err) : error_nomem(err);
    mem_free(folder);
    return status;
}

enum status new_segment_init(struct new_segment *segment, enum store_kind kind, const char *maker,
                             const struct maintainer *maintainer, struct error *err)
{
    struct new_segment s = {.kind = kind};
    enum status status = make_folder(maintainer->folder, err);
    if (!status)
        status = choose_name(&s, err);
    if (!status && maker)
        snprintf(s.maker, sizeof s.maker, "%s", maker);
    else if (!status)
        status = read_maker(&s, maintainer->store, err);
    if (!status) {
        s.path = snapshot_segment_path(maintainer->folder, s.name);
        if (!s.path)
            status = error_nomem(err);
    }
    if (!status)
        status = segment_writer_new(s.path,
                                    kind == STORE_KIND_LEXICAL ? SEGMENT_LEXICAL : SEGMENT_VECTOR,
                                    s.maker, &s.writer, err);
    if (status) {
        new_segment_clear(&s);
        return status;
    }
    segment_writer_watch(s.writer, maintainer->cancel);
    *segment = s;
    return STATUS_OK;
}

enum status new_segment_write_codes(struct new_segment *segment, const struct vector_rows *rows,
                                    unsigned n_threads, struct error *err)
{
    return vector_codes_write(segment->writer, segment->rows.slots, segment->rows.n, rows,
                              n_threads, err);
}

enum status new_segment_publish(struct new_segment *segment, struct error *err)
{
    enum status status = segment_writer_put_rows(segment->writer, segment->rows.chunk_ids,
                                                 segment->rows.document_ids, segment->rows.n, err);
    if (!status)
        status = segment_writer_finish(segment->writer, &segment->stamp, err);
    segment->is_published = !status;
    return status;
}

enum status new_segment_list(const struct new_segment *segment, struct store *store,
                             struct error *err)
{
    return store_put_segment(store,
                             &(struct store_segment){
                                 .name = segment->name,
                                 .kind = segment->kind,
                                 .n_rows = segment->rows.n,
                                 .size_bytes = segment->stamp.size_bytes,
                                 .inode = segment->stamp.inode,
                                 .mtime_ns = segment->stamp.mtime_ns,
                                 .checksum = segment->stamp.checksum,
                                 .maker = segment->maker,
                             },
                             err);
}

void new_segment_keep(struct new_segment *segment)
{
    segment->is_published = false;
}

void new_segment_clear(struct new_segment *segment)
{
    segment_writer_free(segment->writer);
    if (segment->is_published)
        unlink(segment->path); /* or the next sweep does */
    mem_free(segment->path);
    row_list_clear(&segment->rows);
    *segment = (struct new_segment){0};
}
