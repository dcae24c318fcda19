/* Ids of actions: one id names an action in the audit, its record, the agent's log and the guest's
 * kernel log. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_ID_H
#define VMRECLAIM_CONTROLLER_ACTIONS_ID_H

#define ACTION_ID_SIZE 17

/* 16 hexadecimal digits, never the same twice. */
void action_id_make(char id[ACTION_ID_SIZE]);

#endif
