/* What goes on when the program is interrupted: said by it before it ends. */
#ifndef VMRECLAIM_CONTROLLER_CLI_INTERRUPT_H
#define VMRECLAIM_CONTROLLER_CLI_INTERRUPT_H

/* From now on SIGINT and SIGTERM write the text, which is copied, to standard error. Then they end
 * the program as they always do, so that a shell sees 130 and stops its script, too. A signal that
 * is ignored (nohup) stays so. */
void interrupt_say(const char *text);

#endif
