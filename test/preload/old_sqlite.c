/* Preloaded into ragged: an SQLite that says it is one of 2014. */

const char *sqlite3_libversion(void);
const char *sqlite3_libversion(void)
{
    return "3.8.7";
}

int sqlite3_libversion_number(void);
int sqlite3_libversion_number(void)
{
    return 3008007;
}
