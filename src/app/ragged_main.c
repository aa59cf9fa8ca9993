/* ragged: the command-line program. */
#include "app/command.h"
#include "base/json.h"

int main(int argc, char **argv)
{
    json_use_mem();
    return app_run(argc, argv);
}
