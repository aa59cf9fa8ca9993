/* ragged: the command-line program. */
#include "app/command.h"
#include "engine/engine.h"

int main(int argc, char **argv)
{
    engine_process_init();
    return app_run(argc, argv, NULL);
}
