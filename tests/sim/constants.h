/* What the guest model is made of, and where each number comes from.
 *
 * LAB: measured on Debian 6.1 guests in the lab (QEMU 7.2, nested emulation, so CPU costs are
 * pessimistic), most of it by tests/lab/test-busy-trickle.sh. KERNEL: read in mm/page_reporting.c
 * or mm/vmscan.c. PUBLISHED: HyperAlloc's artifact (EuroSys '25). ASSUMED: no measurement.
 *
 * A table, so that a program can vary them: what rests on them must hold at half and at twice the
 * value, too (sensitivity.c; the results are in README.md). */
#ifndef VMRECLAIM_TESTS_SIM_CONSTANTS_H
#define VMRECLAIM_TESTS_SIM_CONSTANTS_H

#define MODEL_MIB (1024.0 * 1024)

/* X(name, value, source, how) */
#define MODEL_CONSTANTS(X)                                                                         \
    X(pass_block, 4 * MODEL_MIB, "KERNEL",                                                         \
      "32 entries a call, one call per 512 blocks and one more, every 2 s: 256 MiB a pass for "    \
      "less than 2 GiB free. LAB: 3 GB left a 4 GiB guest in 15.4 s")                              \
    X(trigger, 64 * MODEL_MIB, "LAB", "freeing 16 MB started no pass, freeing 64 MB did")          \
    X(held_back, 78 * MODEL_MIB, "KERNEL", "low watermark + (32 << 9) pages are never reported")   \
    X(low_per_pass, 22 * MODEL_MIB, "LAB", "order 0: 22 MB a pass ...")                            \
    X(low_cpu, 0.11, "LAB", "... at 11 % of one CPU")                                              \
    X(mid_per_pass, 220 * MODEL_MIB, "ASSUMED",                                                    \
      "orders 5 to 8: ten times as fast as order 0, being 32 times as large or more")              \
    X(compact_rate, 290e6, "LAB",                                                                  \
      "bytes per CPU second: 350 MB of single pages in just over a second; 227 MiB of larger "     \
      "pieces in 0.28 s")                                                                          \
    X(compact_joins, 0.85, "LAB", "83 % of single pages, 87 % of what reclaim had left")           \
    X(cache_trapped, 0.43, "PUBLISHED",                                                            \
      "after a build, clean and drop_caches 14.1 GiB of 16 were free, reporting at order 9 left "  \
      "7.99 - 1.90 GiB of it. LAB: 2 % of files read one after the other, 66 % of files read "     \
      "side by side with others that stay")                                                        \
    X(anon_trapped, 0.03, "LAB", "802 -> 335 MB by reporting alone when a process exits")          \
    X(trapped_mid, 0.88, "LAB", "of what reclaim left in pieces, the part in orders 5 to 8")       \
    X(lru_error, 0.002, "LAB",                                                                     \
      "hot pages among what is taken while cold is left: not one refault in 790 MiB; taken as "    \
      "one in 500")                                                                                \
    X(reclaim_rate, 1024 * MODEL_MIB, "ASSUMED",                                                   \
      "bytes per CPU second. LAB: 865 MiB in 2.2 s on an emulated CPU; hardware is several "       \
      "times as fast")                                                                             \
    X(drop_rate, 2048 * MODEL_MIB, "ASSUMED",                                                      \
      "drop_caches. LAB: 1.0 GiB in 1.17 s on an emulated CPU")                                    \
    X(disk_rate, 200 * MODEL_MIB, "ASSUMED", "a cloud disk")                                       \
    X(mapped, 0.1, "ASSUMED",                                                                      \
      "part of a hot set that is mapped (libraries, programs) and survives drop_caches")

enum { MODEL_PASS_SECONDS = 2, MODEL_CALL_ENTRIES = 32, MODEL_CALL_BLOCKS = 512 }; /* KERNEL */

struct model_constants {
#define X(name, value, source, how) double name;
    MODEL_CONSTANTS(X)
#undef X
};

/* In force; set once before a model is made. */
extern struct model_constants model_constants;

/* LAB: cache_trapped of the lab's scene, whose hot and cold files are read side by side. */
#define MODEL_MIXED_TRAPPED 0.66

#endif
