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

/* gcc says __SANITIZE_*, clang has features. The run-time libraries of the sanitizers map terabytes
 * of address space, ask for their signal stack and read /proc. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JAIL_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define JAIL_IS_SANITIZED 1
#endif
#endif
#ifndef JAIL_IS_SANITIZED
#define JAIL_IS_SANITIZED 0
#endif

/* One-threaded processes only. Failure: the process must not read a document. */
enum status jail_enter(struct error *err) MUST_USE;

/* The weaker jail of a program that has yet to be executed and to load its libraries (pdftotext):
 * limits, no new privileges, files of /usr and /etc/fonts read-only, no network, no ptrace. */
enum status jail_enter_for_exec(struct error *err) MUST_USE;

#endif
