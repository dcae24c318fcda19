/* Files as a Debian 12 guest (Linux 6.1, one node, two CPUs) prints them, shortened. */
#ifndef VMRECLAIM_TESTS_UNIT_PROC_FIXTURES_H
#define VMRECLAIM_TESTS_UNIT_PROC_FIXTURES_H

#define MEMINFO_TEXT                                                                               \
    "MemTotal:        4026532 kB\n"                                                                \
    "MemFree:         1048576 kB\n"                                                                \
    "MemAvailable:    3000000 kB\n"                                                                \
    "Buffers:           10240 kB\n"                                                                \
    "Cached:          1900000 kB\n"                                                                \
    "SwapCached:            0 kB\n"                                                                \
    "Active:           900000 kB\n"                                                                \
    "Inactive:        1500000 kB\n"                                                                \
    "Active(anon):     300000 kB\n"                                                                \
    "Inactive(anon):   100000 kB\n"                                                                \
    "Active(file):     600000 kB\n"                                                                \
    "Inactive(file):  1400000 kB\n"                                                                \
    "Unevictable:           0 kB\n"                                                                \
    "SwapTotal:       1048572 kB\n"                                                                \
    "SwapFree:        1048000 kB\n"                                                                \
    "Dirty:               100 kB\n"                                                                \
    "Writeback:            20 kB\n"                                                                \
    "AnonPages:        390000 kB\n"                                                                \
    "Mapped:            50000 kB\n"                                                                \
    "Shmem:              2000 kB\n"                                                                \
    "KReclaimable:      90000 kB\n"                                                                \
    "Slab:             130000 kB\n"                                                                \
    "SReclaimable:      90000 kB\n"                                                                \
    "SUnreclaim:        40000 kB\n"                                                                \
    "KernelStack:        3000 kB\n"                                                                \
    "PageTables:         5000 kB\n"                                                                \
    "SecPageTables:       500 kB\n"                                                                \
    "HugePages_Total:       4\n"                                                                   \
    "Hugepagesize:       2048 kB\n"                                                                \
    "Hugetlb:            8192 kB\n"                                                                \
    "DirectMap4k:       94064 kB\n"

#define BUDDYINFO_TEXT                                                                             \
    "Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1"  \
    "      3 \n"                                                                                   \
    "Node 0, zone    DMA32      5      4      3      2      1      0      0      0      0      7"  \
    "     20 \n"                                                                                   \
    "Node 0, zone   Normal    100     50      0      0      0      0      0      0      0      2"  \
    "      1 \n"

#define ZONEINFO_TEXT                                                                              \
    "Node 0, zone      DMA\n"                                                                      \
    "  per-node stats\n"                                                                           \
    "      nr_inactive_anon 1166618\n"                                                             \
    "  pages free     3840\n"                                                                      \
    "        boost    0\n"                                                                         \
    "        min      7\n"                                                                         \
    "        low      10\n"                                                                        \
    "        high     13\n"                                                                        \
    "        spanned  4095\n"                                                                      \
    "        present  3998\n"                                                                      \
    "        managed  3840\n"                                                                      \
    "        cma      0\n"                                                                         \
    "        protection: (0, 2972, 15952, 15952, 15952)\n"                                         \
    "      nr_free_pages 3840\n"                                                                   \
    "  pagesets\n"                                                                                 \
    "    cpu: 0\n"                                                                                 \
    "              count: 0\n"                                                                     \
    "              high:  13\n"                                                                    \
    "              batch: 1\n"                                                                     \
    "  vm stats threshold: 4\n"                                                                    \
    "    cpu: 1\n"                                                                                 \
    "              count: 3\n"                                                                     \
    "              high:  13\n"                                                                    \
    "  node_unreclaimable:  0\n"                                                                   \
    "  start_pfn:           1\n"                                                                   \
    "Node 0, zone   Normal\n"                                                                      \
    "  pages free     26000\n"                                                                     \
    "        min      5595\n"                                                                      \
    "        low      6993\n"                                                                      \
    "        high     8391\n"                                                                      \
    "        spanned  1044480\n"                                                                   \
    "        present  1044448\n"                                                                   \
    "        managed  1002000\n"                                                                   \
    "  pagesets\n"                                                                                 \
    "    cpu: 0\n"                                                                                 \
    "              count: 1000\n"                                                                  \
    "    cpu: 1\n"                                                                                 \
    "              count: 234\n"                                                                   \
    "  start_pfn:           4096\n"                                                                \
    "Node 0, zone  Movable\n"                                                                      \
    "  pages free     0\n"                                                                         \
    "        min      0\n"                                                                         \
    "        low      0\n"                                                                         \
    "        high     0\n"                                                                         \
    "        spanned  0\n"                                                                         \
    "        present  0\n"                                                                         \
    "        managed  0\n"                                                                         \
    "        protection: (0, 0, 0, 0, 0)\n"

#define STAT_TEXT                                                                                  \
    "cpu  1000 20 300 40000 50 6 7 8 9 0\n"                                                        \
    "cpu0 500 10 150 20000 25 3 4 4 0 0\n"                                                         \
    "cpu1 500 10 150 20000 25 3 3 4 9 0\n"                                                         \
    "intr 123456 0 0 0\n"                                                                          \
    "ctxt 987\n"

#define PRESSURE_TEXT                                                                              \
    "some avg10=12.34 avg60=0.12 avg300=1.00 total=123456\n"                                       \
    "full avg10=1.05 avg60=0.00 avg300=0.00 total=23456\n"

#define VMSTAT_TEXT                                                                                \
    "nr_free_pages 262144\n"                                                                       \
    "workingset_refault_anon 11\n"                                                                 \
    "workingset_refault_file 22\n"                                                                 \
    "pgmajfault 33\n"                                                                              \
    "oom_kill 1\n"                                                                                 \
    "pgmigrate_success 4400\n"                                                                     \
    "compact_migrate_scanned 55\n"                                                                 \
    "compact_free_scanned 66\n"                                                                    \
    "compact_isolated 77\n"                                                                        \
    "balloon_inflate 1000\n"                                                                       \
    "balloon_deflate 400\n"

#define PAGETYPEINFO_TEXT                                                                          \
    "Page block order: 9\n"                                                                        \
    "Pages per block:  512\n"                                                                      \
    "\n"                                                                                           \
    "Free pages count per migrate type at order       0      1      2 \n"                          \
    "Node    0, zone      DMA, type    Unmovable      1      0      2 \n"                          \
    "Node    0, zone      DMA, type      Movable      0      0      0 \n"                          \
    "Node    0, zone   Normal, type    Unmovable    100     50      3 \n"                          \
    "Node    0, zone   Normal, type      Movable >100000     40      0 \n"                         \
    "Node    0, zone   Normal, type  Reclaimable      7      0      1 \n"                          \
    "Node    0, zone   Normal, type   HighAtomic      9      9      9 \n"                          \
    "\n"                                                                                           \
    "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate \n"   \
    "Node 0, zone      DMA            1            7            0            0            0 \n"    \
    "Node 0, zone   Normal           30         1900           12            1            0 \n"

#define MOUNTINFO_TEXT                                                                             \
    "20 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"                                    \
    "21 20 0:20 / /proc rw,nosuid shared:2 - proc proc rw\n"                                       \
    "25 20 0:21 / /with\\040blank rw,nosuid shared:3 - tmpfs tmpfs rw,size=100k\n"                 \
    "26 20 0:22 / /mnt rw shared:4 - nfs4 server:/ rw\n"

#define IOMEM_TEXT                                                                                 \
    "00000000-00000fff : Reserved\n"                                                               \
    "00001000-0009fbff : System RAM\n"                                                             \
    "000f0000-000fffff : System ROM\n"                                                             \
    "00100000-bffd9fff : System RAM\n"                                                             \
    "  01000000-01e01bb0 : Kernel code\n"                                                          \
    "100000000-13fffffff : System RAM\n"                                                           \
    "140000000-1bfffffff : virtio0\n"                                                              \
    "  140000000-147ffffff : System RAM (virtio_mem)\n"

#endif
