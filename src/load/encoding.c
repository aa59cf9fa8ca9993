#include "load/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <uchardet.h>

#include "base/checked.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "load/sniff.h"

/* Names as uchardet and the web use them; iconv knows all of them. */
static const char *const converter_names[ENCODING_N_CONVERTERS] = {
    "SHIFT_JIS",    "EUC-JP",       "ISO-2022-JP",  "GB18030",      "BIG5",         "UHC",
    "EUC-KR",       "KOI8-R",       "KOI8-U",       "IBM866",       "WINDOWS-1250", "WINDOWS-1251",
    "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "WINDOWS-1257", "WINDOWS-1258",
    "ISO-8859-2",   "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-8",   "ISO-8859-15",  "TIS-620",
};

static const struct {
    const char *name, *same_as;
} aliases[] = {
    {"GB2312", "GB18030"},          {"GBK", "GB18030"},         {"SJIS", "SHIFT_JIS"},
    {"X-SJIS", "SHIFT_JIS"},        {"KS_C_5601-1987", "UHC"},  {"CP949", "UHC"},
    {"ISO-8859-9", "WINDOWS-1254"}, {"ISO-8859-11", "TIS-620"}, {"WINDOWS-874", "TIS-620"},
    {"CP1251", "WINDOWS-1251"},     {"CP1250", "WINDOWS-1250"}, {"LATIN2", "ISO-8859-2"},
};

/* Code points of windows-1252 for 0x80..0x9F (WHATWG Encoding, index windows-1252). */
static const uint16_t windows_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

void encodings_open(struct encodings *encodings)
{
    for (size_t i = 0; i < ENCODING_N_CONVERTERS; i++) {
        iconv_t converter = iconv_open("UTF-8", converter_names[i]);
        encodings->converters[i] = converter == (iconv_t)-1 ? NULL : converter;
    }
}

void encodings_close(struct encodings *encodings)
{
    for (size_t i = 0; i < ENCODING_N_CONVERTERS; i++)
        if (encodings->converters[i])
            iconv_close(encodings->converters[i]);
    *encodings = (struct encodings){0};
}

static iconv_t find_converter(const struct encodings *encodings, const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcasecmp(aliases[i].name, name) == 0)
            name = aliases[i].same_as;
    for (size_t i = 0; i < ENCODING_N_CONVERTERS; i++)
        if (strcasecmp(converter_names[i], name) == 0)
            return encodings->converters[i];
    return NULL;
}

static uint32_t take_unit(struct span_reader *reader, unsigned unit, bool is_big)
{
    uint32_t value = (uint32_t)span_take_uint(reader, unit);
    if (!is_big)
        return value;
    return unit == 2 ? __builtin_bswap16((uint16_t)value) : __builtin_bswap32(value);
}

static void decode_wide(struct span bytes, unsigned unit, bool is_big, struct buf *out)
{
    struct span_reader reader = span_reader_init(bytes.bytes, bytes.len);
    while (reader.n_left >= unit) {
        uint32_t c = take_unit(&reader, unit, is_big);
        if (unit == 2 && c >= 0xD800 && c < 0xDC00 && reader.n_left >= 2) {
            struct span_reader ahead = reader;
            uint32_t low = take_unit(&ahead, unit, is_big);
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                reader = ahead;
            }
        }
        buf_append_codepoint(out, c);
    }
}

static void decode_windows_1252(struct span bytes, struct buf *out)
{
    const unsigned char *at = bytes.bytes;
    for (size_t i = 0; i < bytes.len; i++)
        buf_append_codepoint(out,
                             at[i] >= 0x80 && at[i] < 0xA0 ? windows_1252[at[i] - 0x80] : at[i]);
}

static void decode_iconv(iconv_t converter, struct span bytes, struct buf *out)
{
    char block[4096];
    char *in = (char *)(uintptr_t)bytes.bytes;
    size_t n_in = bytes.len;
    iconv(converter, NULL, NULL, NULL, NULL);
    while (n_in > 0 && !out->failed) {
        char *to = block;
        size_t n_to = sizeof block;
        bool is_bad = iconv(converter, &in, &n_in, &to, &n_to) == (size_t)-1 && errno != E2BIG;
        buf_append(out, block, sizeof block - n_to);
        if (is_bad) {
            buf_append_codepoint(out, UTF8_REPLACEMENT);
            in++;
            n_in--;
        }
    }
}

/* Up to one bad byte in a thousand is a damaged UTF-8 file, not another character set. */
static bool is_nearly_utf8(struct span bytes)
{
    const char *text = bytes.bytes;
    size_t n_bad = 0, n_good = 0, len = size_min(bytes.len, RAGGED_MIB);
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);
        n_bad += c == UTF8_REPLACEMENT && n < 3;
        n_good += n > 1 && c != UTF8_REPLACEMENT;
        i += n;
    }
    return n_good > 0 && n_bad <= 1 + n_good / 20;
}

static iconv_t guess_converter(const struct encodings *encodings, struct span bytes)
{
    iconv_t converter = NULL;
    uchardet_t detector = uchardet_new();
    if (detector &&
        uchardet_handle_data(detector, bytes.bytes, size_min(bytes.len, RAGGED_MIB)) == 0) {
        uchardet_data_end(detector);
        converter = find_converter(encodings, uchardet_get_charset(detector));
    }
    if (detector)
        uchardet_delete(detector);
    return converter;
}

static bool is_utf8(struct span bytes)
{
    return utf8_is_valid(bytes.bytes, bytes.len) || is_nearly_utf8(bytes);
}

/* What the head of the file looks like, else the bytes, decides when nothing else does. */
static enum status decode(const struct encodings *encodings, struct span bytes,
                          const char *declared, struct span head, struct buf *storage,
                          struct span *out, struct error *err)
{
    const struct sniff_mark *mark = sniff_mark(bytes);
    if (mark)
        bytes = (struct span){(const char *)bytes.bytes + mark->len, bytes.len - mark->len};
    bool is_wide = mark && mark->unit > 1;
    if (!is_wide && (mark || is_utf8(bytes))) {
        *out = bytes; /* text_normalize() replaces the few bad bytes */
        return STATUS_OK;
    }
    iconv_t converter = is_wide ? NULL : find_converter(encodings, declared);
    if (!is_wide && !converter && declared[0] == '\0')
        converter = guess_converter(encodings, is_utf8(head) ? bytes : head);
    if (is_wide)
        decode_wide(bytes, mark->unit, mark->is_big, storage);
    else if (converter)
        decode_iconv(converter, bytes, storage);
    else
        decode_windows_1252(bytes, storage);
    enum status status = buf_status(storage, err);
    if (!status)
        *out = (struct span){buf_text(storage), storage->len};
    return status;
}

enum status encoding_decode(const struct encodings *encodings, struct span bytes,
                            const char *declared, struct buf *storage, struct span *out,
                            struct error *err)
{
    return decode(encodings, bytes, declared, (struct span){"", 0}, storage, out, err);
}

enum status encoding_decode_part(const struct encodings *encodings, struct span bytes,
                                 struct span head, struct buf *storage, struct span *out,
                                 struct error *err)
{
    return decode(encodings, bytes, "", head, storage, out, err);
}
