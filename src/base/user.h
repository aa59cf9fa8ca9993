/* base/user.h - who runs the program. Any thread. */
#ifndef RAGGED_BASE_USER_H
#define RAGGED_BASE_USER_H

#include <stddef.h>
#include <stdint.h>

/* The user whose rights the process has. */
uint32_t user_id(void);
/* The name that the system has for it, in UTF-8; "" when there is none, or none that fits. May ask
 * a server where the system asks one. */
void user_name(char *out, size_t n_max);

#endif
