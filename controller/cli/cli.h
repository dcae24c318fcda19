/* What the commands of `vmreclaim` share: options, exit codes, calls to the daemon. Each command is
 * one file that offers one `struct command`. The program runs one command and ends, so options live
 * in static variables of the command's file. */
#ifndef VMRECLAIM_CONTROLLER_CLI_CLI_H
#define VMRECLAIM_CONTROLLER_CLI_CLI_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/time.h"
#include "common/base/util.h"

struct list;

/* What scripts may rely on; the manual page repeats the list. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,   /* no such VM, policy, revision or action */
    EXIT_UNREACHABLE = 4, /* the daemon, or the VM's agent, does not answer */
    EXIT_REFUSED = 5,     /* not permitted, or forbidden by the policy or the guest */
    EXIT_TIMED_OUT = 6,
    EXIT_PARTIAL = 7, /* carried out in part: an action stopped early */
};

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_BYTES,    /* uint64_t */
    OPTION_DURATION, /* nsec_t */
    OPTION_NUMBER,   /* uint64_t */
};

struct command_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *argument; /* how --help calls the value; NULL for a flag */
    const char *help;
    void *value;    /* where it goes; the kind says the type */
    bool *is_given; /* NULL: not of interest */
};

struct cli {
    const char *api;                           /* address of the daemon's API, or a coordinator's */
    const ProtobufCServiceDescriptor *service; /* NULL: the daemon's */
    const char *host;                          /* ssh://[USER@]HOST[:PORT]; NULL: this machine */
    const char *output;                        /* -o FORM; NULL: not given */
    bool json;                                 /* a document for programs, whatever its form */
    const char *color;                         /* --color WHEN; NULL: not given */
    nsec_t timeout;                            /* 0: the command's own */
    bool timeout_is_given;
    bool version;       /* that is all that is asked for */
    bool is_unattended; /* nobody can be asked for a password */
};

struct command {
    const char *name;     /* "vm list" */
    const char *operands; /* for the usage line: "VM"; "" when there are none */
    unsigned operand_count;
    bool operands_may_lack;  /* all or none */
    bool takes_more;         /* operands, any number */
    bool selects;            /* VMs: it has the options of selector.h */
    const struct list *list; /* it has the options of list.h; NULL: it is no list */
    const char *summary;     /* one line for the list of commands */
    const char *description; /* what it does, wrapped by hand at 76 columns */
    const char *example;
    const char *see_also;
    const struct command_option *options; /* ended by a NULL name; NULL: none */
    nsec_t timeout;                       /* to wait for the daemon; 0: 15 s */
    const char *goes_on; /* after an interrupt; NULL: nothing that can be said before */
    const char *trace;   /* the command that shows what it changes; NULL: it changes nothing */
    int (*run)(struct cli *cli, char **operands);
};

/* In the order of --help, ended by NULL; made by meson.build. */
extern const struct command *const commands[];

/* ---- command.c ---- */

/* The command that the first words of `words` name, or that other programs call so: `ls` for
 * `vm list`; `*ret_used` is how many. NULL: none. */
const struct command *command_find(char **words, int count, int *ret_used);

/* Takes the options out of `arguments` and stores them; what is left are the operands, in order,
 * ended by NULL. EXIT_DONE, or EXIT_USAGE after saying what is wrong. `--help` is found by
 * *ret_help; the options of every command work here too. `arguments[0]` is ignored, as in main. */
int command_parse(struct cli *cli, const struct command *command, int count, char **arguments,
                  bool *ret_help);

/* ---- run-command.c ---- */

/* Runs the command that the arguments are, of which the first is ignored as in main, with options
 * before and behind it. Once in a process: options stay where they were stored. An exit code. */
int command_run(struct cli *cli, int argc, char **argv);

/* ---- help.c ---- */

void command_print_help(const struct command *command);
void command_print_overview(void);

/* The commands that begin with the word, for "vmreclaim policy --help". False: there are none. */
bool command_print_group(const char *word);

/* Says that the words name no command, and which one is near. EXIT_USAGE. */
int command_refuse(char **words, int count);

/* ---- client.c ---- */

/* Shows one answer. Returns an exit code. */
typedef int (*client_print)(const ProtobufCMessage *message, void *userdata);

/* Calls one method of the daemon and shows the answer: as JSON when asked for, else by `print`
 * (NULL: nothing to show). Errors are said on standard error. Returns an exit code; with JSON,
 * `print` is not run. */
int client_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
                client_print print, void *userdata);

/* Like client_call for a list: asks for page after page, and shows all as one answer. At most
 * `wanted` entries; UINT64_MAX: all. Fills in the request's fields for pages. */
int client_list(struct cli *cli, const char *method, ProtobufCMessage *request, uint64_t wanted,
                client_print print, void *userdata);

/* Like client_call, and `use` sees the answer whether or not JSON was asked for. Prints nothing. */
int client_fetch(struct cli *cli, const char *method, const ProtobufCMessage *request,
                 client_print use, void *userdata);

/* How one of many calls ended. `code` is an exit code; `words` say why when there is no response.
 */
typedef void (*client_told)(size_t index, int code, const ProtobufCMessage *response,
                            const char *words, void *userdata);

/* Calls the method with each request, at most CLIENT_SIDE_BY_SIDE at a time, over one connection.
 * `told` has the end of each, whatever it is. EXIT_DONE: all were asked; else nothing may have
 * been, and that was said. */
#define CLIENT_SIDE_BY_SIDE 8
int client_each(struct cli *cli, const char *method, ProtobufCMessage *const requests[],
                size_t count, client_told told, void *userdata);

/* The same for a method that streams; JSON is one document per message and line. Stops early when
 * `print` returns anything but EXIT_DONE. */
int client_stream(struct cli *cli, const char *method, const ProtobufCMessage *request,
                  client_print print, void *userdata);

/* How long calls of this command wait; set by main. 0: no limit. */
void client_set_timeout(nsec_t timeout);

/* ---- output.c ---- */

/* "vmreclaim: ..." on standard error; returns `code`. */
int fail(int code, const char *format, ...) printf_like(2, 3);

/* Write text of a guest or a file to a terminal, see common/base/text.h. The first writes part of a
 * line, the second keeps the text's line ends. */
void print_text(const char *text);
void print_lines(const char *text);

/* Columns of the terminal; 80 when standard output is none. */
size_t terminal_width(void);

/* Sentences and tables take no more of a wider one. */
enum { READABLE_WIDTH = 100 };

/* ---- document.c ---- */

/* Writes JSON; what may not be shown is written as an escape, which programs read as the same. */
void print_json_text(const char *text, size_t length);

/* A message as a document for programs, see document.h. */
int print_json(const ProtobufCMessage *message);

#endif
