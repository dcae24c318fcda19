/* What a person is told, word by word: commands are run, and what they say is compared with a file.
 *
 * With GOLDEN_UPDATE in the environment the file is written instead. */
#ifndef VMRECLAIM_TESTS_COMPONENT_FAILURES_GOLDEN_H
#define VMRECLAIM_TESTS_COMPONENT_FAILURES_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define GOLDEN_COLUMNS 80

/* What was said so far in one scene. */
struct golden {
    const char *directory; /* of the test */
    char text[65536];
    size_t length;
};

/* A program by the name it has in a shown command. */
struct golden_program {
    const char *name;
    const char *path;
};

/* Puts the programs, ended by one without a name, into the directory. */
void golden_init(struct golden *golden, const char *directory,
                 const struct golden_program *programs);

/* Adds a text, as a program said it. The directory, the version, ids and times, which change, are
 * shown as others. That a command takes long on a slow machine is left out. */
void golden_add(struct golden *golden, const char *text);

/* Starts a shell with the command, in the directory; what it says goes into a file there. */
pid_t golden_start(struct golden *golden, const char *command);

/* The command that runs has said so already. */
bool golden_has_said(const struct golden *golden, const char *words);

/* The command has ended with this status of waitpid: adds what it said, from the words `first`
 * on (NULL: all of it). */
void golden_ended(struct golden *golden, int status, const char *first);

/* Compares the scene with golden/NAME.txt; ends the test where it is another, or where a line has
 * more than GOLDEN_COLUMNS columns. */
void golden_check(const struct golden *golden, const char *name);

#endif
