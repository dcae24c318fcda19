/* Text for scdoc(5). */
#ifndef VMRECLAIM_DEPLOY_MAN_SCDOC_H
#define VMRECLAIM_DEPLOY_MAN_SCDOC_H

#include <stdio.h>

/* scdoc reads "_" as the start of an underlined word. */
static inline void scdoc_print_character(char character)
{
    if (character == '_' || character == '*')
        putchar('\\');
    putchar(character);
}

static inline void scdoc_print(const char *text)
{
    for (; *text != '\0'; text++)
        scdoc_print_character(*text);
}

#endif
