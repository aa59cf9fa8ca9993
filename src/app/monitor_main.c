/* ragged-monitor: the program with a screen. `ragged monitor` becomes it, with the same words, so
 * that no other command loads what draws on terminals. */
#include <locale.h>

#include "app/command.h"
#include "app/monitor_watch.h"
#include "engine/engine.h"

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* numbers stay as they are */
    engine_process_init();
    return app_run(argc, argv, monitor_watch);
}
