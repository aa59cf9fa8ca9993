/* engine/identity.h - what decides, beside the library and the question, what comes out of a
 * search: this very program, the settings, and the models' files. */
#ifndef RAGGED_ENGINE_IDENTITY_H
#define RAGGED_ENGINE_IDENTITY_H

#include "engine/engine_parts.h"

/* As of the first call: an opened model stays what it is when its files change. A model on a server
 * is known by its name and address only. NOT_FOUND: the program's own file can't be looked at. */
enum status identity_get(struct engine *engine, const struct identity **out,
                         struct error *err) MUST_USE;

#endif
