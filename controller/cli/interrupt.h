/* What goes on without the program: said when it is interrupted, or has no answer. */
#ifndef VMRECLAIM_CONTROLLER_CLI_INTERRUPT_H
#define VMRECLAIM_CONTROLLER_CLI_INTERRUPT_H

/* From now on SIGINT and SIGTERM write the text, which is copied, to standard error. Then they end
 * the program as they always do, so that a shell sees 130 and stops its script, too. A signal that
 * is ignored (nohup) stays so. */
void interrupt_say(const char *text);

/* The command that shows what the calls of this run change, which may go on when one has no answer;
 * NULL, at first: they change nothing. It is copied. */
void interrupt_set_trace(const char *command);
const char *interrupt_trace(void); /* "": none */

#endif
