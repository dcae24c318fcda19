/* What guests do in the lab: take memory, leave it in single pages, fill the page cache. Static,
 * for an initramfs. Each workload that holds memory prints "ready" and goes on SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (*end != '\0' || end == text) {
        errno = EINVAL;
        die(text);
    }
    return value;
}

static unsigned char *take(uint64_t bytes)
{
    unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        die("mmap");
    }
    return memory;
}

static void touch(unsigned char *memory, uint64_t bytes)
{
    for (uint64_t offset = 0; offset < bytes; offset += page_size()) {
        memory[offset] = 1;
    }
}

/* Says `word` and waits for SIGTERM. */
static void hold(const char *word)
{
    sigset_t signals;
    int signal;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    printf("%s\n", word);
    fflush(stdout);
    sigwait(&signals, &signal);
}

/* The announcement's program: takes memory, uses all of it, lets go. */
static void hog(uint64_t bytes)
{
    unsigned char *memory = malloc(bytes);

    if (!memory) {
        die("malloc");
    }
    touch(memory, bytes);
    hold("ready");
    free(memory);
}

/* As a program that grows: takes so many bytes a second. */
static void grow(uint64_t bytes, uint64_t rate)
{
    const uint64_t steps_per_second = 20;
    const uint64_t step = rate / steps_per_second / page_size() * page_size() + page_size();
    unsigned char *memory = take(bytes);

    for (uint64_t offset = 0; offset < bytes; offset += step) {
        const struct timespec rest = {.tv_nsec = 1000000000 / (long)steps_per_second};

        touch(memory + offset, bytes - offset < step ? bytes - offset : step);
        nanosleep(&rest, NULL);
    }
    hold("ready");
}

static uint64_t milliseconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Takes memory as fast as it can and holds it for a moment. Says in how many milliseconds it had
 * it, and how long the longest mebibyte took. */
static void sprint(uint64_t bytes)
{
    const struct timespec moment = {.tv_nsec = 500000000};
    const uint64_t part = 1 << 20;
    const uint64_t begun = milliseconds();
    unsigned char *memory = take(bytes);
    uint64_t last = begun, longest = 0, now = begun;

    for (uint64_t offset = 0; offset < bytes; offset += part, last = now) {
        touch(memory + offset, bytes - offset < part ? bytes - offset : part);
        now = milliseconds();
        longest = now - last > longest ? now - last : longest;
    }
    printf("%" PRIu64 " %" PRIu64 "\n", now - begun, longest);
    nanosleep(&moment, NULL);
}

/* Leaves half of it free in single pages: of each pair of pages one, picked at random, because the
 * kernel's compaction looks at every 32nd page only until it has found something, and never finds
 * anything where free pages lie at odd page frames alone.
 * With `later`, once it holds all and gets a first SIGTERM. */
static void fragment(uint64_t bytes, bool later)
{
    unsigned char *memory = take(bytes);
    uint64_t random = 1;

    if (madvise(memory, bytes, MADV_NOHUGEPAGE) < 0) {
        die("MADV_NOHUGEPAGE");
    }
    touch(memory, bytes);
    if (later) {
        hold("ready");
    }
    for (uint64_t offset = 0; offset + 2 * page_size() <= bytes; offset += 2 * page_size()) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (madvise(memory + offset + (random >> 63) * page_size(), page_size(), MADV_DONTNEED) <
            0) {
            die("MADV_DONTNEED");
        }
    }
    hold(later ? "fragmented" : "ready");
}

/* As `fragment`, with memory that the kernel cannot move: pages in pipes, every second pipe closed
 * again. One page goes into each pipe in turn, so that neighbours are of different pipes. */
static void pin(uint64_t bytes)
{
    static char page[4096];
    const uint64_t pages_per_pipe = 16;
    uint64_t count = bytes / sizeof(page) / pages_per_pipe;
    struct rlimit limit = {.rlim_cur = 2 * count + 64, .rlim_max = 2 * count + 64};
    int(*pipes)[2] = calloc(count, sizeof(*pipes));

    if (!pipes || setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("RLIMIT_NOFILE");
    }
    for (uint64_t i = 0; i < count; i++) {
        if (pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK) < 0) {
            die("pipe2");
        }
    }
    for (uint64_t round = 0; round < pages_per_pipe; round++) {
        for (uint64_t i = 0; i < count; i++) {
            if (write(pipes[i][1], page, sizeof(page)) != (ssize_t)sizeof(page)) {
                die("write to a pipe");
            }
        }
    }
    for (uint64_t i = 0; i < count; i += 2) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    hold("ready");
}

/* The value of `key` in /proc/meminfo, in bytes. */
static uint64_t meminfo(const char *key)
{
    char line[128], name[64];
    uint64_t kib;
    FILE *file = fopen("/proc/meminfo", "re");

    if (!file) {
        die("/proc/meminfo");
    }
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%63[^:]: %" SCNu64, name, &kib) == 2 && strcmp(name, key) == 0) {
            fclose(file);
            return kib * 1024;
        }
    }
    errno = ENOENT;
    die(key);
}

/* Touches all free memory once, so that none is left that the host has never backed. Stops short
 * of what makes the kernel reclaim. */
static void touch_all(uint64_t margin)
{
    uint64_t bytes = meminfo("MemFree");
    const uint64_t step = 1024 * page_size();
    unsigned char *memory = take(bytes);

    for (uint64_t offset = 0; offset + step <= bytes && meminfo("MemFree") > margin;
         offset += step) {
        touch(memory + offset, step);
    }
}

static void file_name(char *buffer, size_t size, const char *directory, uint64_t index)
{
    snprintf(buffer, size, "%s/%06" PRIu64, directory, index);
}

static void cache_write(const char *directory, uint64_t files, uint64_t bytes)
{
    static char block[256 * 1024];
    char name[4096];

    for (uint64_t i = 0; i < files; i++) {
        int fd;

        file_name(name, sizeof(name), directory, i);
        fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) {
            die(name);
        }
        for (uint64_t left = bytes; left > 0;) {
            ssize_t written = write(fd, block, left < sizeof(block) ? left : sizeof(block));

            if (written < 0) {
                die(name);
            }
            left -= (uint64_t)written;
        }
        close(fd);
    }
    sync();
}

static void cache_read(const char *directory)
{
    static char block[256 * 1024];
    char name[4096];
    uint64_t total = 0;

    for (uint64_t i = 0;; i++) {
        ssize_t got;
        int fd;

        file_name(name, sizeof(name), directory, i);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            break;
        }
        while ((got = read(fd, block, sizeof(block))) > 0) {
            total += (uint64_t)got;
        }
        close(fd);
    }
    printf("%" PRIu64 "\n", total);
}

/* How much of the files is in the page cache. */
static void cache_resident(const char *directory)
{
    static unsigned char pages[64 * 1024];
    char name[4096];
    uint64_t resident = 0;

    for (uint64_t i = 0;; i++) {
        const size_t window = sizeof(pages) * page_size();
        off_t size;
        int fd;

        file_name(name, sizeof(name), directory, i);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            break;
        }
        size = lseek(fd, 0, SEEK_END);
        for (off_t offset = 0; offset < size; offset += (off_t)window) {
            size_t length = (size_t)(size - offset) < window ? (size_t)(size - offset) : window;
            void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, offset);

            if (map == MAP_FAILED || mincore(map, length, pages) < 0) {
                die(name);
            }
            for (size_t page = 0; page < (length + page_size() - 1) / page_size(); page++) {
                resident += pages[page] & 1 ? page_size() : 0;
            }
            munmap(map, length);
        }
        close(fd);
    }
    printf("%" PRIu64 "\n", resident);
}

static double cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Reads one page after the other of the open files, round and round, until `seconds` of CPU time
 * are spent. Returns how often it came round. */
static unsigned read_for(const int *files, size_t count, double seconds)
{
    static size_t file;
    static off_t offset;
    const double end = cpu_seconds() + seconds;
    unsigned rounds = 0;
    char byte;

    while (cpu_seconds() < end) {
        for (unsigned i = 0; i < 16; i++, offset += (off_t)page_size()) {
            if (pread(files[file], &byte, 1, offset) == 1) {
                continue;
            }
            offset = 0;
            file = (file + 1) % count;
            rounds += file == 0 ? 1 : 0;
        }
    }
    return rounds;
}

/* Uses `percent` of one CPU for ever, a part of each second, by reading the files of a directory
 * round and round. Says "ready" when it has come round twice, so that the kernel takes them for
 * hot. */
static void busy(uint64_t percent, const char *directory)
{
    int files[1024];
    size_t count = 0;
    unsigned rounds = 0;
    char name[4096];

    for (; count < sizeof(files) / sizeof(files[0]); count++) {
        file_name(name, sizeof(name), directory, count);
        files[count] = open(name, O_RDONLY | O_CLOEXEC);
        if (files[count] < 0) {
            break;
        }
    }
    if (count == 0) {
        die(name);
    }
    for (;;) {
        struct timespec begin, now, rest;
        double left;
        const unsigned before = rounds;

        clock_gettime(CLOCK_MONOTONIC, &begin);
        rounds += read_for(files, count, (double)percent / 100);
        if (before < 2 && rounds >= 2) {
            printf("ready\n");
            fflush(stdout);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        left =
            1 - (double)(now.tv_sec - begin.tv_sec) - (double)(now.tv_nsec - begin.tv_nsec) / 1e9;
        if (left > 0) {
            rest = (struct timespec){.tv_nsec = (long)(left * 999999999)};
            nanosleep(&rest, NULL);
        }
    }
}

int main(int argc, char *argv[])
{
    const char *name = argc > 1 ? argv[1] : "";

    if (argc == 3 && strcmp(name, "hog") == 0) {
        hog(number(argv[2]));
    } else if (argc == 4 && strcmp(name, "grow") == 0) {
        grow(number(argv[2]), number(argv[3]));
    } else if (argc == 3 && strcmp(name, "sprint") == 0) {
        sprint(number(argv[2]));
    } else if (argc == 3 && strcmp(name, "fragment") == 0) {
        fragment(number(argv[2]), false);
    } else if (argc == 3 && strcmp(name, "fragment-later") == 0) {
        fragment(number(argv[2]), true);
    } else if (argc == 3 && strcmp(name, "pin") == 0) {
        pin(number(argv[2]));
    } else if (argc == 3 && strcmp(name, "touch-all") == 0) {
        touch_all(number(argv[2]));
    } else if (argc == 5 && strcmp(name, "cache-write") == 0) {
        cache_write(argv[2], number(argv[3]), number(argv[4]));
    } else if (argc == 3 && strcmp(name, "cache-read") == 0) {
        cache_read(argv[2]);
    } else if (argc == 3 && strcmp(name, "cache-resident") == 0) {
        cache_resident(argv[2]);
    } else if (argc == 4 && strcmp(name, "busy") == 0) {
        busy(number(argv[2]), argv[3]);
    } else {
        fprintf(stderr,
                "Usage: workload hog BYTES | grow BYTES BYTES-A-SECOND | sprint BYTES |\n"
                "                fragment BYTES |\n"
                "                fragment-later BYTES | pin BYTES | touch-all MARGIN |\n"
                "                cache-write DIRECTORY FILES BYTES | cache-read DIRECTORY |\n"
                "                cache-resident DIRECTORY | busy PERCENT DIRECTORY\n");
        return 2;
    }
    return 0;
}
