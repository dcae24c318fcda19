/* The kinds of action: one row for each, with all that differs between kinds and is no code.
 *
 * A new kind takes a row here, its ActionKind in agent.proto, and the way it is done
 * (actions/plan.c). And something must ask for it: a rule of the ladder, or a handler. */
#ifndef VMRECLAIM_AGENT_ENGINE_KIND_H
#define VMRECLAIM_AGENT_ENGINE_KIND_H

/* What an action changes in the guest when all goes well. */
enum action_effect {
    ACTION_FREES_CACHE,
    ACTION_JOINS_BLOCKS, /* what is trapped can be reported then */
    ACTION_SETS_ORDER,   /* of reporting */
    ACTION_STARTS_PASS,  /* of reporting */
};

/* KIND(name, ActionKind on the wire, effect, text in the log, text in the dry run's report). NULL
 * as the last: no step worth a line. */
#define ACTION_KINDS(KIND)                                                                         \
    KIND(RECLAIM_CACHE, RECLAIM_CACHE, FREES_CACHE, "cache reclaim", "page cache, coldest first")  \
    KIND(DROP_CACHES, RECLAIM_CACHE, FREES_CACHE, "cache drop", "page cache, dropped at once")     \
    KIND(COMPACT, COMPACT, JOINS_BLOCKS, "compaction", "compaction")                               \
    KIND(KICK_REPORTING, KICK_REPORTING, STARTS_PASS, "reporting pass",                            \
         "a reporting pass is started")                                                            \
    KIND(SET_ORDER, SET_REPORTING_ORDER, SETS_ORDER, "reporting order set",                        \
         "lower reporting order")                                                                  \
    KIND(RESTORE_ORDER, SET_REPORTING_ORDER, SETS_ORDER, "reporting order restored", NULL)

enum action_kind {
    ACTION_NONE,
#define KIND(name, wire, effect, text, step) ACTION_##name,
    ACTION_KINDS(KIND)
#undef KIND
        ACTION_KIND_COUNT,
};

struct action_traits {
    enum action_effect effect;
    const char *text;
    const char *step;
};

/* Of a kind other than ACTION_NONE. */
const struct action_traits *action_traits(enum action_kind kind);

#endif
