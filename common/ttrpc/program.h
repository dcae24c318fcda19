/* What program a call comes from, beside its request: who asks is known by the socket, and this is
 * the program's own word. */
#ifndef VMRECLAIM_COMMON_TTRPC_PROGRAM_H
#define VMRECLAIM_COMMON_TTRPC_PROGRAM_H

#define PROGRAM_KEY "vmreclaim-program" /* of the metadata */

/* Lower case letters, digits and '-'. Anything else is not believed. */
#define PROGRAM_SIZE 24

#endif
