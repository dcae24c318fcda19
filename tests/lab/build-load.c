/* build-load: what a build leaves behind in a guest, for the ladder bench. Static, for an
 * initramfs.
 *
 *   prepare DIRECTORY   writes a source tree: sources that each unit reads once, headers that many
 *                       units read, and a toolchain that every unit maps
 *   work DIRECTORY      many short compilers, a few at a time: each reads, maps, uses memory in
 *                       single pages, writes an object. Some leave a process that keeps part of
 *                       those pages, so what is freed lies between what stays. A server that maps
 *                       the toolchain stays too
 *   hot DIRECTORY       reads headers and toolchain again: "pages N missing M major K"; missing are
 *                       those that were no longer in the page cache, major the faults of touching
 *                       the mapped toolchain
 *
 * The headers and the toolchain are the hot working set. All sizes are fixed, so that guests with
 * different reclaimers do the same work. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    MIB = 1024 * 1024,
    UNITS = 48,
    JOBS = 4,
    SOURCES = 24, /* per unit */
    SOURCE_SIZE = 256 * 1024,
    HEADERS = 512,
    HEADER_SIZE = 96 * 1024,
    TOOLCHAIN_SIZE = 24 * MIB,
    OBJECT_SIZE = 1 * MIB,
    HEAP_SIZE = 10 * MIB, /* of a compiler */
    KEEPERS = 3,          /* every third unit leaves a process */
    KEPT_PERCENT = 30,    /* of its heap */
};

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % bound);
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "build-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void write_file(const char *name, size_t size)
{
    static char block[64 * 1024];
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (file < 0) {
        die(name);
    }
    memset(block, 'c', sizeof(block));
    for (size_t left = size; left > 0;) {
        ssize_t n = write(file, block, left < sizeof(block) ? left : sizeof(block));
        if (n < 0) {
            die(name);
        }
        left -= (size_t)n;
    }
    close(file);
}

static void read_file(const char *name)
{
    static char block[64 * 1024];
    int file = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (file < 0) {
        die(name);
    }
    while ((n = read(file, block, sizeof(block))) > 0) {
    }
    if (n < 0) {
        die(name);
    }
    close(file);
}

static void header_name(char name[64], unsigned header)
{
    snprintf(name, 64, "include/%03u.h", header);
}

static void source_name(char name[64], unsigned unit, unsigned source)
{
    snprintf(name, 64, "src/%03u/%02u.c", unit, source);
}

static void prepare(void)
{
    char name[64];

    if (mkdir("include", 0755) < 0 || mkdir("src", 0755) < 0 || mkdir("obj", 0755) < 0) {
        die("mkdir");
    }
    for (unsigned header = 0; header < HEADERS; header++) {
        header_name(name, header);
        write_file(name, HEADER_SIZE);
    }
    for (unsigned unit = 0; unit < UNITS; unit++) {
        snprintf(name, sizeof(name), "src/%03u", unit);
        if (mkdir(name, 0755) < 0) {
            die(name);
        }
        for (unsigned source = 0; source < SOURCES; source++) {
            source_name(name, unit, source);
            write_file(name, SOURCE_SIZE);
        }
    }
    write_file("toolchain", TOOLCHAIN_SIZE);
    sync();
}

static volatile unsigned char *map_file(const char *name, size_t *ret_size)
{
    struct stat status;
    void *memory;
    int file = open(name, O_RDONLY | O_CLOEXEC);

    if (file < 0 || fstat(file, &status) < 0) {
        die(name);
    }
    memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) {
        die(name);
    }
    close(file);
    *ret_size = (size_t)status.st_size;
    return memory;
}

static void touch_file(volatile unsigned char *memory, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE) {
        (void)memory[at];
    }
}

/* Single pages, as small allocations use them. */
static unsigned char *use_heap(void)
{
    unsigned char *heap =
        mmap(NULL, HEAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (heap == MAP_FAILED) {
        die("mmap");
    }
    madvise(heap, HEAP_SIZE, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < HEAP_SIZE; at += PAGE) {
        heap[at] = 1;
    }
    return heap;
}

/* Stays until it is killed, with a part of the heap in random places. */
static void keep_some(unsigned char *heap)
{
    if (fork() != 0) {
        return;
    }
    setsid();
    for (size_t at = 0; at < HEAP_SIZE; at += PAGE) {
        if (random_below(100) >= KEPT_PERCENT) {
            madvise(heap + at, PAGE, MADV_DONTNEED);
        }
    }
    for (;;) {
        pause();
    }
}

static _Noreturn void compile(unsigned unit)
{
    volatile unsigned char *toolchain;
    unsigned char *heap;
    size_t size;
    char name[64];

    random_state = unit + 1;
    toolchain = map_file("toolchain", &size);
    touch_file(toolchain, size);
    for (unsigned source = 0; source < SOURCES; source++) {
        source_name(name, unit, source);
        read_file(name);
    }
    for (unsigned i = 0; i < HEADERS / 3; i++) {
        header_name(name, random_below(HEADERS));
        read_file(name);
    }
    heap = use_heap();
    snprintf(name, sizeof(name), "obj/%03u.o", unit);
    write_file(name, OBJECT_SIZE);
    if (unit % KEEPERS == 0) {
        keep_some(heap);
    }
    _exit(0);
}

static void reap(unsigned *running)
{
    int status;

    if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        errno = ECHILD;
        die("a compiler failed");
    }
    --*running;
}

/* Holds the toolchain mapped, as a language server does. */
static void serve(void)
{
    volatile unsigned char *toolchain;
    size_t size;

    if (fork() != 0) {
        return;
    }
    setsid();
    toolchain = map_file("toolchain", &size);
    touch_file(toolchain, size);
    for (;;) {
        pause();
    }
}

static void work(void)
{
    unsigned running = 0;

    serve();
    for (unsigned unit = 0; unit < UNITS; unit++) {
        pid_t pid;

        if (running == JOBS) {
            reap(&running);
        }
        pid = fork();
        if (pid < 0) {
            die("fork");
        }
        if (pid == 0) {
            compile(unit);
        }
        running++;
    }
    while (running > 0) {
        reap(&running);
    }
    sync();
}

/* Pages of a file that are not in the page cache. */
static unsigned count_missing(const char *name, unsigned *pages)
{
    static unsigned char present[TOOLCHAIN_SIZE / PAGE];
    unsigned missing = 0;
    size_t size;
    volatile unsigned char *memory = map_file(name, &size);
    size_t count = (size + PAGE - 1) / PAGE;

    if (mincore((void *)memory, size, present) < 0) {
        die("mincore");
    }
    for (size_t i = 0; i < count; i++) {
        missing += (present[i] & 1) == 0;
    }
    munmap((void *)memory, size);
    *pages += (unsigned)count;
    return missing;
}

static long major_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_majflt;
}

static void hot(void)
{
    unsigned pages = 0;
    unsigned missing = count_missing("toolchain", &pages);
    long major = major_faults();
    volatile unsigned char *toolchain;
    size_t size;
    char name[64];

    toolchain = map_file("toolchain", &size);
    madvise((void *)toolchain, size, MADV_RANDOM);
    touch_file(toolchain, size);
    major = major_faults() - major;
    for (unsigned header = 0; header < HEADERS; header++) {
        header_name(name, header);
        missing += count_missing(name, &pages);
        read_file(name);
    }
    printf("pages %u missing %u major %ld\n", pages, missing, major);
}

int main(int argc, char *argv[])
{
    if (argc != 3) {
        fprintf(stderr, "Usage: build-load prepare|work|hot DIRECTORY\n");
        return 2;
    }
    if (chdir(argv[2]) < 0) {
        die(argv[2]);
    }
    if (strcmp(argv[1], "prepare") == 0) {
        prepare();
    } else if (strcmp(argv[1], "work") == 0) {
        work();
    } else if (strcmp(argv[1], "hot") == 0) {
        hot();
    } else {
        errno = EINVAL;
        die(argv[1]);
    }
    return 0;
}
