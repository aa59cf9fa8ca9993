/* What the fuzz drivers share: readers that map a file get one. */
#ifndef RAGGED_TEST_FUZZ_H
#define RAGGED_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of this process, in memory where the machine has one there. */
static inline const char *fuzz_folder(void)
{
    static char folder[64];
    if (!folder[0]) {
        const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
        snprintf(folder, sizeof folder, "%s/ragged-fuzz-%ld", base, (long)getpid());
        if (mkdir(folder, 0700))
            abort();
    }
    return folder;
}

static inline const char *fuzz_file(const char *name, const uint8_t *bytes, size_t len)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
        abort();
    return path;
}

/* Reads every byte: what lies outside of the map is a fault. */
static inline void fuzz_touch(const void *bytes, size_t len)
{
    static volatile unsigned char sum;
    for (size_t i = 0; i < len; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)bytes)[i]);
}

#endif
