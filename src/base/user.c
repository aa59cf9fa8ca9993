#include "base/user.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define RECORD_BYTES_MAX 8192 /* a line of the table of users */

uint32_t user_id(void)
{
    return (uint32_t)geteuid();
}

void user_name(char *out, size_t n_max)
{
    struct passwd record, *found = NULL;
    char texts[RECORD_BYTES_MAX];
    out[0] = '\0';
    if (getpwuid_r(geteuid(), &record, texts, sizeof texts, &found) != 0 || !found)
        return;
    size_t len = strlen(found->pw_name);
    if (len < n_max && utf8_is_valid(found->pw_name, len))
        memcpy(out, found->pw_name, len + 1);
}
