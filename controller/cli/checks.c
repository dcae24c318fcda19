/* Of what is not known the status is a dash; a failure is seen first. */
#include "controller/cli/checks.h"

#include <string.h>

#include "controller/cli/table.h"

int checks_print(Check *const *checks, size_t count)
{
    static const struct table_column columns[] = {{"", 0}, {"", 0}, {"", TABLE_WRAP}};
    struct table table;

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < count; i++) {
        const Check *check = checks[i];

        table_row(&table);
        table_cell(&table, "%s",
                   strcmp(check->status, "failure") == 0   ? "FAILURE"
                   : strcmp(check->status, "unknown") == 0 ? "-"
                                                           : check->status);
        table_cell(&table, "%s", check->name);
        table_cell(&table, "%s", check->reason);
    }
    return table_finish(&table, NULL);
}
