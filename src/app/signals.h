/* app/signals.h - Ctrl-C and SIGTERM ask running work to stop; a second one ends at once. A mapped
 * file that is cut short under the program ends it with a sentence. */
#ifndef RAGGED_APP_SIGNALS_H
#define RAGGED_APP_SIGNALS_H

#include "base/cancel.h"

/* Once, at the start. A reader that goes away is then an error of write(), not a signal. */
const struct cancel *signals_install(void);
/* From now on an end in the middle, by a second Ctrl-C, a lost file or a crash, gives the terminal
 * back as it is now. */
void signals_guard_terminal(void);
/* The signal that asked to stop; 0: none. */
int signals_received(void);

#endif
