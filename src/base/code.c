#include "base/code.h"

#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* Distances from the fields themselves, so that nothing is to be relocated at the start. */
struct file_mark {
    int32_t code, name;
};

/* Made by the linker; a program without marks has none. */
extern const struct file_mark __start_ragged_files[] __attribute__((weak));
extern const struct file_mark __stop_ragged_files[] __attribute__((weak));
extern const char etext[] __attribute__((weak));
extern const char __ehdr_start[] __attribute__((weak, visibility("hidden")));

size_t code_file_count(void)
{
    return (size_t)(__stop_ragged_files - __start_ragged_files);
}

static uintptr_t code_of(size_t i)
{
    const int32_t *field = &__start_ragged_files[i].code;
    return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

const char *code_file_path(size_t i)
{
    const int32_t *field = &__start_ragged_files[i].name;
    return (const char *)field + *field;
}

void code_file_room(size_t i, char *out, size_t size_bytes)
{
    const char *path = code_file_path(i), *end = strrchr(path, '/'), *begin = end;
    while (begin && begin > path && begin[-1] != '/')
        begin--;
    snprintf(out, size_bytes, "%.*s", end ? (int)(end - begin) : 0, begin ? begin : "");
}

/* The linker lays out code and marks in the order of the same list of files. */
size_t code_file_find(const void *address)
{
    uintptr_t at = (uintptr_t)address;
    size_t low = 0, high = code_file_count();
    if (high == 0 || at < code_of(0) || at >= (uintptr_t)etext)
        return CODE_FILE_NONE;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (code_of(middle) <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct code_symbols {
    struct span file;
    const Elf64_Sym *symbols; /* [n], borrowed from file */
    size_t n;
    struct span names; /* ends with a NUL */
};

static bool section_bytes(struct span file, const Elf64_Shdr *section, struct span *out)
{
    if (section->sh_offset > file.len || section->sh_size > file.len - section->sh_offset)
        return false;
    *out = (struct span){.bytes = (const char *)file.bytes + section->sh_offset,
                         .len = section->sh_size};
    return true;
}

static bool find_sections(struct span file, const Elf64_Shdr **out, size_t *out_n)
{
    const Elf64_Ehdr *head = (const void *)file.bytes;
    if (file.len < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_shentsize != sizeof(Elf64_Shdr) ||
        head->e_shoff > file.len || head->e_shoff % _Alignof(Elf64_Shdr) != 0 ||
        head->e_shnum > (file.len - head->e_shoff) / sizeof(Elf64_Shdr))
        return false;
    *out = (const void *)((const char *)file.bytes + head->e_shoff);
    *out_n = head->e_shnum;
    return true;
}

static enum status find_symbols(struct code_symbols *s, struct error *err)
{
    const Elf64_Shdr *sections;
    size_t n;
    if (!find_sections(s->file, &sections, &n))
        return error_set(err, STATUS_FORMAT, "the file of this program makes no sense");
    for (size_t i = 0; i < n; i++) {
        struct span symbols;
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= n)
            continue;
        if (!section_bytes(s->file, &sections[i], &symbols) ||
            !section_bytes(s->file, &sections[sections[i].sh_link], &s->names) ||
            (uintptr_t)symbols.bytes % _Alignof(Elf64_Sym) != 0 || s->names.len == 0 ||
            ((const char *)s->names.bytes)[s->names.len - 1] != '\0')
            return error_set(err, STATUS_FORMAT, "the symbols of this program make no sense");
        s->symbols = (const void *)symbols.bytes;
        s->n = symbols.len / sizeof *s->symbols;
        return STATUS_OK;
    }
    return error_set(err, STATUS_NOT_FOUND, "this program has no names of functions: stripped");
}

enum status code_symbols_open(struct code_symbols **out, struct error *err)
{
    struct code_symbols *symbols = mem_zalloc(1, sizeof *symbols);
    if (!symbols)
        return error_nomem(err);
    enum status status = file_map("/proc/self/exe", &symbols->file, err);
    if (!status)
        status = find_symbols(symbols, err);
    if (status)
        code_symbols_close(symbols);
    else
        *out = symbols;
    return status;
}

const char *code_symbols_find(const struct code_symbols *symbols, const void *address,
                              size_t *out_offset)
{
    uint64_t at = (uintptr_t)address - (uintptr_t)__ehdr_start;
    for (size_t i = 0; symbols && i < symbols->n; i++) {
        const Elf64_Sym *symbol = &symbols->symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && at >= symbol->st_value &&
            at - symbol->st_value < symbol->st_size && symbol->st_name < symbols->names.len) {
            *out_offset = (size_t)(at - symbol->st_value);
            return (const char *)symbols->names.bytes + symbol->st_name;
        }
    }
    return NULL;
}

void code_symbols_close(struct code_symbols *symbols)
{
    if (!symbols)
        return;
    file_unmap(&symbols->file);
    mem_free(symbols);
}
