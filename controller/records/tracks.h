/* All actions that are being followed. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_TRACKS_H
#define VMRECLAIM_CONTROLLER_RECORDS_TRACKS_H

#include "controller/records/book.h"
#include "controller/records/track.h"

/* The track of the VM's action; NULL: none. */
struct track *tracks_find(const struct recorder *recorder, const char *vm, const char *id);

/* The VM's track in a state; NULL: none. */
struct track *tracks_find_state(const struct recorder *recorder, const char *vm,
                                enum track_state state);

/* A new one, running; `serial` is the VM's, 0: not known. NULL: there are too many, or memory is
 * short. */
struct track *tracks_begin(struct recorder *recorder, const char *id, const char *vm,
                           uint64_t serial);

/* The VM is called otherwise now, and so are those of its records that are not complete. */
void tracks_rename(struct recorder *recorder, const struct vm *vm);
void tracks_end(struct recorder *recorder, struct track *track);

/* The action's window ends here: completes and stores its record, which waits for its later check.
 * What came back until now is accounted to it, so the next window begins here at the earliest.
 * `vm` has just been measured. `action` points into the track afterwards. */
void tracks_record(struct recorder *recorder, struct track *track, struct vm *vm,
                   Vmreclaim__Controller__V1__Action *action, nsec_t now);

/* Finishes and stores an action that has no figures of the host, and says why. `vm` NULL: it is
 * gone. */
void tracks_store_unmeasured(struct recorder *recorder, struct vm *vm,
                             Vmreclaim__Controller__V1__Action *action, const char *why);

#endif
