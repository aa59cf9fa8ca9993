/* load/jail.h - gives up every right but reading, computing and answering. For the whole process,
 * before the first byte of a document is read; there is no way back.
 *
 * What stays: memory without PROT_EXEC, reading of descriptors that are open or are received on
 * descriptor 3, writing to descriptors 1 and 2, clocks, random bytes, the end of the process.
 * Opening a file fails with EACCES (libraries probe for optional files); every other call kills
 * the process with SIGSYS. */
#ifndef RAGGED_LOAD_JAIL_H
#define RAGGED_LOAD_JAIL_H

#include "base/status.h"

/* One-threaded processes only. Failure: the process must not read a document. */
enum status jail_enter(struct error *err) MUST_USE;

/* The weaker jail of a program that has yet to be executed and to load its libraries (pdftotext):
 * limits, no new privileges, files of /usr and /etc/fonts read-only, no network, no ptrace. */
enum status jail_enter_for_exec(struct error *err) MUST_USE;

#endif
