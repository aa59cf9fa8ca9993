/* Scripts and style sheets that a program packed for other programs. */
#include <unistd.h>

#include "base/file.h"
#include "load/kinds.h"
#include "load/load.h"

#define HEAD_BYTES ((size_t)16 * 1024)
#define HEAD_BYTES_MIN ((size_t)1024) /* a short one does no harm */
#define LINE_BYTES_MAX 500            /* of people's lines, in the middle */

bool load_is_minified(const char *path)
{
    const struct extension *extension = extension_find(path_extension(path));
    char head[HEAD_BYTES];
    size_t n = 0, n_lines = 0;
    int fd;
    if (!extension || !extension->may_be_packed || file_open(path, FILE_NO_FOLLOW, &fd, NULL))
        return false;
    enum status status = file_read_at(fd, path, 0, head, sizeof head, &n, NULL);
    close(fd);
    for (size_t i = 0; i < n; i++)
        n_lines += head[i] == '\n';
    return !status && n >= HEAD_BYTES_MIN && n_lines * LINE_BYTES_MAX < n;
}
