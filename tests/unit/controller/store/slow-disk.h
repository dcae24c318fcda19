/* A disk that answers when the test lets it: what SQLite syncs waits. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_STORE_SLOW_DISK_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_STORE_SLOW_DISK_H

/* All files that SQLite opens from now on are on it. */
void slow_disk_install(void);

/* Each sync from now on waits until slow_disk_let_go. */
void slow_disk_hold(void);
void slow_disk_let_go(void);

/* Until a sync waits. */
void slow_disk_await(void);

/* How many have begun. */
unsigned slow_disk_syncs(void);

#endif
