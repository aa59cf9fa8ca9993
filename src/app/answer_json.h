/* app/answer_json.h - an answer for programs. */
#ifndef RAGGED_APP_ANSWER_JSON_H
#define RAGGED_APP_ANSWER_JSON_H

#include "answer/answer.h"
#include "base/json.h"

/* NULL: out of memory. */
json_t *answer_json(const struct engine_answer *answer, const char *query) MUST_USE;

#endif
