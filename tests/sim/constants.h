/* What the guest model is made of, and where each number comes from.
 *
 * LAB: measured on Debian 6.1 guests in the lab (QEMU 7.2, nested emulation, so CPU costs are
 * pessimistic). KERNEL: read in mm/page_reporting.c or mm/vmscan.c. PUBLISHED: HyperAlloc's
 * artifact (EuroSys '25). ASSUMED: no measurement yet. */
#ifndef VMRECLAIM_TESTS_SIM_CONSTANTS_H
#define VMRECLAIM_TESTS_SIM_CONSTANTS_H

/* KERNEL: 32 entries a call, one call per 512 blocks and one more, every 2 s, in blocks of 4 MiB:
 * 256 MiB a pass for less than 2 GiB free. LAB: 3 GB left a 4 GiB guest in 15.4 s. */
#define MODEL_PASS_SECONDS 2
#define MODEL_BLOCK        (4.0 * 1024 * 1024)
#define MODEL_CALL_ENTRIES 32
#define MODEL_CALL_BLOCKS  512
/* LAB: freeing 16 MB started no pass, freeing 64 MB did. */
#define MODEL_TRIGGER (64.0 * 1024 * 1024)
/* KERNEL: low watermark + (32 << 9) pages are never reported. */
#define MODEL_HELD_BACK (78.0 * 1024 * 1024)
/* LAB: order-0 passes took 22 MB each and 11 % of one CPU. Blocks of order 5 to 8: ASSUMED ten
 * times as fast, being 32 times as large. */
#define MODEL_LOW_PER_PASS (22.0 * 1024 * 1024)
#define MODEL_MID_PER_PASS (220.0 * 1024 * 1024)
#define MODEL_LOW_CPU      0.11
/* LAB: 350 MB trapped as single pages, one compaction under 1 s, 13 to 17 thousand pages stayed:
 * 83 % joined, 290 MB per CPU second. */
#define MODEL_COMPACT_RATE  (290.0 * 1000 * 1000)
#define MODEL_COMPACT_JOINS 0.83
/* PUBLISHED: after a build, clean and drop_caches 14.1 GiB of 16 were free and reporting at order 9
 * left 7.99 - 1.90 GiB of that resident: 43 % in smaller pieces. */
#define MODEL_CACHE_TRAPPED 0.43
/* LAB: 802 -> 335 MB by reporting alone when a process exits: next to nothing trapped. */
#define MODEL_ANON_TRAPPED 0.03
/* ASSUMED: of trapped memory, the part in blocks of order 5 to 8. */
#define MODEL_TRAPPED_MID 0.5
/* ASSUMED: the kernel's LRU is not exact; this part of what it evicts is hot while cold is left. */
#define MODEL_LRU_ERROR 0.02
/* ASSUMED: 4 us per page reclaimed one by one; drop_caches works in batches. */
#define MODEL_RECLAIM_RATE (1024.0 * 1024 * 1024)
#define MODEL_DROP_RATE    (4.0 * 1024 * 1024 * 1024)
/* ASSUMED: a cloud disk. */
#define MODEL_DISK_RATE (200.0 * 1024 * 1024)
/* ASSUMED: part of a hot set that is mapped (libraries, programs) and survives drop_caches. */
#define MODEL_MAPPED 0.1
/* KERNEL: per-CPU lists; LAB: 78 MiB in a 4 GiB guest, 18 MB after a flood of single frees. */
#define MODEL_PERCPU (40.0 * 1024 * 1024)

#endif
