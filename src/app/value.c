#include "app/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"

static const char *const switch_spellings[2][4] = {
    {"false", "no", "off", "0"},
    {"true", "yes", "on", "1"},
};

static enum status check_number(const struct value_rule *rule, const char *what, const char *text,
                                struct value *out, struct error *err)
{
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    bool is_count = rule->type == VALUE_COUNT;
    if (end == text || *end || !isfinite(number) || (is_count && number != floor(number)))
        return error_set(err, STATUS_INVALID, "%s wants a %snumber, not \"%s\"", what,
                         is_count ? "whole " : "", text);
    if (number < rule->min || number > rule->max)
        return error_set(err, STATUS_INVALID, "%s is %s, but must be within %.10g..%.10g", what,
                         text, rule->min, rule->max);
    *out = (struct value){.text = text, .number = number};
    return STATUS_OK;
}

/* The letter stands for 1024, 1024 * 1024, ...; "512M", "512MB" and "512MiB" are the same. */
static bool parse_size(const char *text, double *out)
{
    static const char letters[] = "KMGT";
    char *end;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number) || number < 0)
        return false;
    const char *letter = isalpha((unsigned char)*end) ? strchr(letters, toupper(*end)) : NULL;
    for (const char *at = letters; letter && at <= letter; at++)
        number *= 1024.0;
    end += letter ? 1 : 0;
    if (letter && strncasecmp(end, "iB", 2) == 0)
        end++;
    if (toupper(*end) == 'B')
        end++;
    *out = floor(number);
    return *end == '\0';
}

static void append_size(struct buf *out, double n_bytes)
{
    static const char letters[] = "KMG";
    size_t i = 0;
    for (n_bytes /= 1024.0; n_bytes >= 1024.0 && letters[i + 1]; i++)
        n_bytes /= 1024.0;
    buf_printf(out, "%.10g%c", n_bytes, letters[i]);
}

static void describe_size(const struct value_rule *rule, struct buf *out)
{
    append_size(out, rule->min);
    buf_append_text(out, "..");
    append_size(out, rule->max);
}

static enum status check_size(const struct value_rule *rule, const char *what, const char *text,
                              struct value *out, struct error *err)
{
    double number = 0;
    if (*text && !parse_size(text, &number))
        return error_set(err, STATUS_INVALID, "%s wants a size like \"512M\" or \"2G\", not \"%s\"",
                         what, text);
    if (*text && (number < rule->min || number > rule->max)) {
        struct buf range = {0};
        describe_size(rule, &range);
        error_set(err, STATUS_INVALID, "%s is %s, but must be within %s", what, text,
                  buf_text(&range));
        buf_clear(&range);
        return STATUS_INVALID;
    }
    *out = (struct value){.text = text, .number = number};
    return STATUS_OK;
}

static enum status check_switch(const char *what, const char *text, struct value *out,
                                struct error *err)
{
    for (int is_on = 0; is_on < 2; is_on++)
        for (size_t i = 0; i < 4; i++)
            if (strcasecmp(text, switch_spellings[is_on][i]) == 0) {
                *out = (struct value){.text = switch_spellings[is_on][0], .number = is_on};
                return STATUS_OK;
            }
    return error_set(err, STATUS_INVALID, "%s wants true or false, not \"%s\"", what, text);
}

static enum status check_choice(const struct value_rule *rule, const char *what, const char *text,
                                struct value *out, struct error *err)
{
    struct suggestion suggestion = {.wrong = text};
    for (const char *const *choice = rule->choices; *choice; choice++) {
        if (strcasecmp(text, *choice) == 0) {
            *out = (struct value){.text = *choice};
            buf_clear(&suggestion.names);
            return STATUS_OK;
        }
        suggestion_offer(&suggestion, *choice);
    }
    error_set(err, STATUS_INVALID, "%s can not be \"%s\"", what, text);
    suggestion_finish(&suggestion, "choices", err);
    return STATUS_INVALID;
}

enum status value_check(const struct value_rule *rule, const char *what, const char *text,
                        struct value *out, struct error *err)
{
    switch (rule->type) {
    case VALUE_COUNT:
    case VALUE_NUMBER:
        return check_number(rule, what, text, out, err);
    case VALUE_SIZE:
        return check_size(rule, what, text, out, err);
    case VALUE_SWITCH:
        return check_switch(what, text, out, err);
    case VALUE_CHOICE:
        return check_choice(rule, what, text, out, err);
    case VALUE_URL:
        if (*text && strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
            return error_set(err, STATUS_INVALID, /* not quoted: it may carry a password */
                             "%s wants an address like \"http://localhost:11434\"", what);
        break;
    case VALUE_PATH:
        if (!*text)
            return error_set(err, STATUS_INVALID, "%s wants a path, not an empty text", what);
        break;
    case VALUE_FLAG:
    case VALUE_TEXT:
        break;
    }
    *out = (struct value){.text = text};
    return STATUS_OK;
}

void value_describe(const struct value_rule *rule, struct buf *out)
{
    if (rule->type == VALUE_COUNT || rule->type == VALUE_NUMBER)
        buf_printf(out, "%.10g..%.10g", rule->min, rule->max);
    if (rule->type == VALUE_SIZE)
        describe_size(rule, out);
    if (rule->type == VALUE_SWITCH)
        buf_append_text(out, "true|false");
    for (size_t i = 0; rule->type == VALUE_CHOICE && rule->choices[i]; i++)
        buf_printf(out, "%s%s", i ? "|" : "", rule->choices[i]);
}

/* Levenshtein distance over bytes, one row; names longer than the row never match. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LEN_MAX = 63 };
    size_t row[LEN_MAX + 1];
    size_t len_a = strlen(a), len_b = strlen(b);
    if (len_a > LEN_MAX || len_b > LEN_MAX)
        return LEN_MAX;
    for (size_t j = 0; j <= len_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = size_min(replaced, size_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[len_b];
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
    size_t distance = edit_distance(suggestion->wrong, name);
    size_t len = strlen(name);
    if (len < sizeof suggestion->best && (!*suggestion->best || distance < suggestion->distance)) {
        memcpy(suggestion->best, name, len + 1);
        suggestion->distance = distance;
    }
    buf_printf(&suggestion->names, "%s%s", suggestion->names.len ? ", " : "", name);
}

void suggestion_finish(struct suggestion *suggestion, const char *label, struct error *err)
{
    size_t close_enough = size_max(1, strlen(suggestion->wrong) / 3);
    bool is_close = *suggestion->best && suggestion->distance <= close_enough;
    error_hint(err, "%s%s%s%s: %s", is_close ? "did you mean \"" : "",
               is_close ? suggestion->best : "", is_close ? "\"? " : "", label,
               buf_text(&suggestion->names));
    buf_clear(&suggestion->names);
}
