/* A VM's balloon and what its leases are: their states, their sums, asking for one and giving it
 * back. balloon.h decides what is done about them. Pure. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_BALLOON_LEASES_H
#define VMRECLAIM_CONTROLLER_LEASES_BALLOON_LEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/number.h"
#include "common/base/time.h"
#include "controller/leases/lease.h"
#include "controller/leases/pulse.h"

#define BALLOON_LEASES_MAX 4          /* of one VM */
#define BALLOON_SLACK      (2 * MIB)  /* "reached", and no sign of someone else */
#define BALLOON_SIZE_MIN   (64 * MIB) /* no guest lives with less */
#define BALLOON_DOUBT_STEP (64 * MIB) /* at a time, beyond what a guest says that it has left */

/* The largest page of the host that a balloon of small pages returns. QEMU discards one when one
 * request of the guest has all of it, 256 pages of 4 KiB at most: hw/virtio/virtio-balloon.c,
 * balloon_inflate_page. Others discard none that is larger than the guest's. */
#define BALLOON_PAGE_MAX MIB

enum balloon_trust {
    BALLOON_UNTRIED,
    BALLOON_CANARY, /* the first step is under way */
    BALLOON_TRUSTED,
    BALLOON_INERT, /* memory goes into it and the host gets nothing */
};

/* Why leases end without their owner's doing, and what else is worth saying; causes first. */
enum balloon_news {
    BALLOON_NO_NEWS,
    BALLOON_NEWS_EXPIRED,
    BALLOON_NEWS_PRESSURE,   /* the guest needs its memory */
    BALLOON_NEWS_VOID,       /* reset, migration, snapshot */
    BALLOON_NEWS_FOREIGN,    /* someone else moves the target */
    BALLOON_NEWS_STALLED,    /* the guest does not give more */
    BALLOON_NEWS_INERT,      /* the host gets nothing */
    BALLOON_NEWS_NO_JOURNAL, /* a lease could not be written: refused */
    BALLOON_NEWS_REFUSED,    /* the hypervisor refuses the target */
    BALLOON_NEWS_HELD,       /* a lease is held: the hypervisor was commanded */
    BALLOON_NEWS_REACHED,    /* the guest has given all of it */
    BALLOON_NEWS_RELEASED,   /* the last lease is gone, the target is the baseline */
    BALLOON_NEWS_COUNT,
};

/* A sentence's worth: "a lease expired". */
const char *balloon_news_text(enum balloon_news news);

struct balloon_lease {
    struct lease lease;
    bool written;    /* the journal says what `lease` says */
    bool is_doubted; /* it is taken whatever the guest says that it has left */
};

struct balloon_control {
    struct balloon_lease leases[BALLOON_LEASES_MAX];
    uint32_t lease_count;
    uint64_t baseline; /* 0: not adopted */
    uint64_t maximum;  /* the guest's size with an empty balloon, that all others go with */
    uint64_t target;   /* last commanded; the baseline before any command */
    uint64_t actual;   /* last seen */
    uint64_t from;     /* where the guest was seen last on its way to the target */
    nsec_t moved;      /* CLOCK_BOOTTIME when the guest last followed */
    nsec_t told;       /* ... of the last command */
    nsec_t strange;    /* ... since when the guest is where nobody of ours asked it to be; 0: not */
    bool writing;      /* into the journal, or out of it; only what the guest needs does not wait */
    bool telling;      /* a command is under way */
    uint64_t telling_target; /* of the last of them */
    unsigned unanswered;     /* commands; a raise does not wait for those before it */
    bool resync; /* leases were resumed, or a command was not answered: the hypervisor's target is
                    not known */
    uint64_t doubted; /* lowest target of the commands without an answer; 0: none */
    bool raise;       /* to the baseline, before anything else; then all leases end */
    enum balloon_trust trust;
    uint64_t canary_footprint; /* before it */
    bool nudging;       /* the target is next to the baseline until the guest reports its size */
    nsec_t nudge_delay; /* before the next one */
    bool stalled;
    nsec_t retry; /* not before */
    nsec_t retry_delay;
    struct pulse pulse; /* its lease is one of these, while it is on */
    unsigned news;      /* one bit each, for balloon_take_news */
};

/* The world as it is now. */
struct balloon_input {
    nsec_t now;   /* CLOCK_BOOTTIME */
    bool ready;   /* the hypervisor takes commands */
    bool running; /* neither paused nor migrating */
    uint64_t ram;
    uint64_t actual;  /* 0: unknown */
    uint64_t maximum; /* of the moment of `actual`; 0: unknown */
    bool deflate_on_oom;
    bool guest_is_fresh;  /* a sample of the guest's agent that is at most five seconds old */
    nsec_t guest_read;    /* CLOCK_BOOTTIME: the guest was so then, or later, as its agent or its
                             balloon's driver says; 0: nobody does */
    uint64_t guest_total; /* as the guest says; with some drivers it shrinks with the balloon */
    uint64_t guest_free;  /* ... by that reading */
    uint64_t available;   /* in the guest */
    uint64_t footprint;   /* 0: unknown */
    bool pressure;        /* the guest said so since the last step */
    bool voided;          /* reset, migration or snapshot since the last step */
    bool hold_raise;      /* others get their memory back first; not for pressure and resets */
};

/* Takes the VM as it is: its size becomes the baseline. With leases of the journal, theirs is.
 * Leases that were only requested, or are not for this boot and process, are given back. `maximum`
 * may be 0: unknown. */
void balloon_adopt(struct balloon_control *control, uint64_t actual, uint64_t maximum);
int balloon_resume(struct balloon_control *control, const struct lease *lease, bool is_valid);

/* A VM that was adopted as it is now is to have `baseline` again. No lease is known that took the
 * rest: its balloon came with a snapshot. */
void balloon_recover(struct balloon_control *control, uint64_t baseline);

/* It is known that the host gets nothing of what goes into it. */
void balloon_set_inert(struct balloon_control *control);

/* Asks for a lease. The id must be new. -ENOSPC: too many leases; -EINVAL: it is of nothing;
 * -EOPNOTSUPP: the balloon is inert. -EBUSY: it would go below its floor or the smallest size, or
 * the guest is stalled or has too little left. `error` says how much it could give. */
int balloon_request(struct balloon_control *control, const struct lease *lease,
                    const struct balloon_input *input, struct error *error);

/* Gives a lease back; id 0: all of them. False: there is none. */
bool balloon_release(struct balloon_control *control, uint64_t id);

/* The VM is called otherwise now: the journal is to know. */
void balloon_rename(struct balloon_control *control, const char *vm);

/* Memory held by all leases. */
uint64_t balloon_held(const struct balloon_control *control);

/* What the target should be now. */
uint64_t balloon_wanted(const struct balloon_control *control);

/* Bytes that must stay available in a guest from which memory is taken. */
uint64_t balloon_headroom(uint64_t ram, bool deflate_on_oom);

/* ---- for decisions ---- */

/* Asserts what holds between any two calls. */
void balloon_check(const struct balloon_control *control);

/* NULL: there is none with this id. */
struct balloon_lease *balloon_find_lease(struct balloon_control *control, uint64_t id);
void balloon_drop_lease(struct balloon_control *control, uint64_t id);

/* A size of the guest after its memory, with an empty balloon, went from `before` to `now`; never
 * less than a MiB. */
uint64_t balloon_moved_size(uint64_t size, uint64_t before, uint64_t now);

/* It is the lease of the pulse, which is on. */
bool balloon_is_pulse(const struct balloon_control *control, const struct balloon_lease *entry);

/* The guest may be asked for less now. */
bool balloon_may_step_down(const struct balloon_control *control,
                           const struct balloon_input *input);

/* It holds memory, or is to. */
bool balloon_counts(const struct balloon_lease *entry);

/* As the table of lease.h allows; the same state is fine. */
void balloon_set_state(struct balloon_lease *entry, enum lease_state state);
void balloon_release_all(struct balloon_control *control);

/* Bytes that could be taken without touching the headroom. */
uint64_t balloon_takeable(const struct balloon_input *input);

#endif
