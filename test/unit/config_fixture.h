/* A home of its own for each test of the settings, with a file of them. */
#ifndef RAGGED_TEST_CONFIG_FIXTURE_H
#define RAGGED_TEST_CONFIG_FIXTURE_H

#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "base/file.h"

static char home[64], config_path[128];

/* Nothing is said of any setting there. */
static inline int in_a_new_home(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/ragged-config-XXXXXX");
    if (!mkdtemp(home))
        return -1;
    for (const struct config_key *key = config_keys; key->name; key++) {
        char names[128], *rest = names, *name;
        snprintf(names, sizeof names, "%s", key->environment);
        while ((name = strsep(&rest, " ")))
            unsetenv(name);
    }
    setenv("HOME", home, 1);
    setenv("XDG_CONFIG_HOME", home, 1);
    unsetenv("XDG_DATA_HOME");
    snprintf(config_path, sizeof config_path, "%s/ragged/config.yaml", home);
    return 0;
}

static inline int without_the_home(void **state)
{
    (void)state;
    return folder_remove(home, NULL) ? -1 : 0;
}

static inline void write_config(const char *text)
{
    char folder[128];
    struct error err;
    snprintf(folder, sizeof folder, "%s/ragged", home);
    assert_ok(folder_make(folder, &err));
    assert_ok(file_replace(config_path, text, strlen(text), 0600, &err));
}

static inline void assert_config(const char *expected)
{
    struct buf text = {0};
    struct error err;
    assert_ok(file_read(config_path, 1 << 20, &text, &err));
    assert_string_equal(buf_text(&text), expected);
    buf_clear(&text);
}

#define IN_HOME(test) cmocka_unit_test_setup_teardown(test, in_a_new_home, without_the_home)

#endif
