/* Prints the reasons and what they mean as a table for programs that have only their codes. */
#include <stdio.h>

#include "controller/explain/view.h"

/* As a string of C. */
static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

int main(void)
{
    const char *code;

    puts("#include \"controller/cli/reason-words.h\"\n\n"
         "const struct reason_word reason_word_table[] = {");
    for (size_t i = 0; (code = explain_reason_code(i)) != NULL; i++) {
        fputs("    {", stdout);
        print_text(code);
        fputs(", ", stdout);
        print_text(explain_reason_meaning(i));
        puts("},");
    }
    puts("    {0, 0},\n};");
    return 0;
}
