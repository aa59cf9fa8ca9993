#include "base/audit_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "base/utf8.h"

#define NAME_BYTES_MAX 128
#define NUMBER(name)                                                                \
    {                                                                               \
#name, AUDIT_KIND_NUMBER, offsetof(struct audit_row, name), sizeof(int64_t) \
    }
#define TEXT(name)                                                \
    {                                                             \
#name, AUDIT_KIND_TEXT, offsetof(struct audit_row, name), \
            sizeof((struct audit_row *)0)->name                   \
    }
#define HASH(name)                                                                  \
    {                                                                               \
#name, AUDIT_KIND_HASH, offsetof(struct audit_row, name), HASH_SHA256_BYTES \
    }

const struct audit_field audit_fields[AUDIT_FIELD_COUNT] = {
    NUMBER(sequence),
    NUMBER(time_ms),
    NUMBER(run),
    TEXT(command),
    NUMBER(uid),
    TEXT(user),
    TEXT(collection),
    TEXT(keys),
    NUMBER(documents_added),
    NUMBER(documents_updated),
    NUMBER(documents_removed),
    NUMBER(documents_failed),
    NUMBER(passages_added),
    NUMBER(passages_removed),
    NUMBER(vectors_added),
    NUMBER(generation_before),
    NUMBER(generation_after),
    HASH(state_before),
    HASH(state_after),
    TEXT(file_before),
    TEXT(file_after),
    HASH(previous),
    HASH(link),
};

/* Room for every field at its longest: a name, a length, three marks, and the value. */
struct message {
    char bytes[AUDIT_FIELD_COUNT * 64 + sizeof(struct audit_row) + 64];
    size_t len;
};

static void put(struct message *message, const char *name, const char *value)
{
    size_t room = sizeof message->bytes - message->len;
    int n =
        snprintf(message->bytes + message->len, room, "%s:%zu:%s\n", name, strlen(value), value);
    message->len += n > 0 && (size_t)n < room ? (size_t)n : 0;
}

static void put_number(struct message *message, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    put(message, name, text);
}

static void begin(struct message *message, const char *what)
{
    message->len = 0;
    int n = snprintf(message->bytes, sizeof message->bytes, "ragged %s 1\n", what);
    message->len = (size_t)n;
}

void audit_row_link(const struct audit_row *row, unsigned char out[HASH_SHA256_BYTES])
{
    struct message message;
    begin(&message, "audit");
    for (size_t i = 0; i + 1 < AUDIT_FIELD_COUNT; i++) {
        const struct audit_field *field = &audit_fields[i];
        const char *at = (const char *)row + field->offset;
        char hex[HASH_SHA256_HEX];
        int64_t number = 0;
        switch (field->kind) {
        case AUDIT_KIND_NUMBER:
            memcpy(&number, at, sizeof number);
            put_number(&message, field->name, number);
            break;
        case AUDIT_KIND_TEXT:
            put(&message, field->name, at);
            break;
        case AUDIT_KIND_HASH:
            hash_hex(at, HASH_SHA256_BYTES, hex);
            put(&message, field->name, hex);
            break;
        }
    }
    hash_sha256(message.bytes, message.len, out);
}

static bool is_packed(const struct audit_field *field)
{
    return field->offset != offsetof(struct audit_row, sequence) &&
           field->offset != offsetof(struct audit_row, run);
}

static size_t put_varint(unsigned char *out, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        out[n++] = (unsigned char)(value | 0x80);
    out[n++] = (unsigned char)value;
    return n;
}

size_t audit_row_pack(const struct audit_row *row, unsigned char out[AUDIT_PACKED_BYTES])
{
    size_t len = 0, n;
    for (size_t i = 0; i < AUDIT_FIELD_COUNT; i++) {
        const struct audit_field *field = &audit_fields[i];
        const char *at = (const char *)row + field->offset;
        int64_t number = 0;
        if (!is_packed(field))
            continue;
        switch (field->kind) {
        case AUDIT_KIND_NUMBER:
            memcpy(&number, at, sizeof number);
            len += put_varint(out + len, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
            break;
        case AUDIT_KIND_TEXT:
            n = strlen(at);
            len += put_varint(out + len, n);
            memcpy(out + len, at, n);
            len += n;
            break;
        case AUDIT_KIND_HASH:
            memcpy(out + len, at, HASH_SHA256_BYTES);
            len += HASH_SHA256_BYTES;
            break;
        }
    }
    return len;
}

static bool take_field(struct span_reader *reader, const struct audit_field *field, char *out)
{
    uint64_t value = field->kind == AUDIT_KIND_HASH ? 0 : span_take_varint(reader);
    int64_t number = (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
    size_t len = field->kind == AUDIT_KIND_TEXT ? (size_t)value : field->size;
    if (field->kind == AUDIT_KIND_NUMBER) {
        memcpy(out, &number, sizeof number);
        return true;
    }
    if (field->kind == AUDIT_KIND_TEXT && len >= field->size)
        return false;
    const void *bytes = span_take(reader, len);
    if (!bytes)
        return false;
    if (field->kind == AUDIT_KIND_TEXT && (memchr(bytes, 0, len) || !utf8_is_valid(bytes, len)))
        return false;
    memcpy(out, bytes, len);
    return true;
}

bool audit_row_unpack(const void *bytes, size_t len, struct audit_row *io_row)
{
    struct span_reader reader = span_reader_init(bytes, len);
    struct audit_row row = {.sequence = io_row->sequence, .run = io_row->run};
    unsigned char again[AUDIT_PACKED_BYTES];
    bool is_whole = bytes != NULL;
    for (size_t i = 0; i < AUDIT_FIELD_COUNT && is_whole; i++)
        if (is_packed(&audit_fields[i]))
            is_whole = take_field(&reader, &audit_fields[i], (char *)&row + audit_fields[i].offset);
    /* There is one way to write a row: else a byte could change and nobody would see. */
    if (!is_whole || reader.is_short || audit_row_pack(&row, again) != len ||
        memcmp(again, bytes, len) != 0)
        return false;
    *io_row = row;
    return true;
}

void audit_name(const char *name, char out[AUDIT_NAME_BYTES])
{
    size_t len = strlen(name);
    if (len <= NAME_BYTES_MAX && utf8_is_valid(name, len)) {
        memcpy(out, name, len + 1);
        return;
    }
    static const char prefix[] = "sha256:";
    memcpy(out, prefix, sizeof prefix);
    hash_sha256_hex(name, len, out + sizeof prefix - 1);
}

void audit_document_hash(const struct audit_document *document,
                         unsigned char out[HASH_SHA256_BYTES])
{
    struct message message;
    char path[HASH_SHA256_HEX], collection[AUDIT_NAME_BYTES], hash[AUDIT_NAME_BYTES];
    hash_sha256_hex(document->path, document->path_len, path);
    audit_name(document->collection, collection);
    audit_name(document->hash, hash);
    begin(&message, "document");
    put_number(&message, "id", document->id);
    put(&message, "path", path);
    put(&message, "collection", collection);
    put(&message, "hash", hash);
    put_number(&message, "state", document->state);
    put_number(&message, "passages", document->n_passages);
    hash_sha256(message.bytes, message.len, out);
}

void audit_state_add(unsigned char state[HASH_SHA256_BYTES],
                     const unsigned char term[HASH_SHA256_BYTES])
{
    unsigned carry = 0;
    for (size_t i = HASH_SHA256_BYTES; i-- > 0; carry >>= 8) {
        carry += (unsigned)state[i] + term[i];
        state[i] = (unsigned char)carry;
    }
}

void audit_state_subtract(unsigned char state[HASH_SHA256_BYTES],
                          const unsigned char term[HASH_SHA256_BYTES])
{
    unsigned borrow = 0;
    for (size_t i = HASH_SHA256_BYTES; i-- > 0;) {
        unsigned difference = 0x100u + state[i] - term[i] - borrow;
        state[i] = (unsigned char)difference;
        borrow = difference < 0x100u;
    }
}
