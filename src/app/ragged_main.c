/* ragged: the command-line program. */
#include <stdio.h>

int main(void)
{
    puts("ragged " RAGGED_VERSION);
    return 0;
}
