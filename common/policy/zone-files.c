/* Files of time zones, on disk and in memory. */
#include "common/policy/zone-files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/directory.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/base/util.h"

#define DEPTH_MAX 4 /* America/Argentina/Ushuaia has 3 */

struct zone_file {
    struct hash_link by_name;
    struct list link;
    size_t length;
    char *text;
    char name[]; /* "Europe/Berlin" */
};

struct zone_files {
    bool is_missing;       /* there is no such directory */
    struct stat directory; /* as it was before */
    struct hash_table by_name;
    struct list list;
};

static struct zone_files *files;                         /* NULL: they are on disk */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of `files` and what it has */

/* ---- the table ---- */

static void destroy(struct zone_file *file)
{
    if (file != NULL)
        free(file->text);
    free(file);
}

static void destroy_table(struct zone_files *table)
{
    if (table == NULL)
        return;
    list_for_each_safe (link, following, &table->list)
        destroy(list_entry(link, struct zone_file, link));
    hash_table_finish(&table->by_name);
    free(table);
}

static const struct zone_file *find(const struct zone_files *table, const char *name)
{
    struct hash_link *link = hash_table_first(&table->by_name, hash_text(name));

    for (; link != NULL; link = hash_table_next(link)) {
        const struct zone_file *file = container_of(link, struct zone_file, by_name);

        if (strcmp(file->name, name) == 0)
            return file;
    }
    return NULL;
}

/* Takes the text over, also when it fails. */
static int add(struct zone_files *table, const char *name, char *text, size_t length)
{
    size_t size = strlen(name) + 1;
    struct zone_file *file = malloc(sizeof(*file) + size);

    if (file == NULL) {
        free(text);
        return -ENOMEM;
    }
    *file = (struct zone_file){.length = length, .text = text};
    memcpy(file->name, name, size);
    if (hash_table_add(&table->by_name, &file->by_name, hash_text(name)) < 0) {
        destroy(file);
        return -ENOMEM;
    }
    list_append(&table->list, &file->link);
    return 0;
}

/* ---- reading ---- */

/* Lists of zones, and what is no zone at all, lie there as well. */
static int load_file(struct zone_files *table, const char *path)
{
    static const char magic[] = {'T', 'Z', 'i', 'f'};
    size_t length;
    char *text;
    int r = file_read(AT_FDCWD, path, ZONE_FILE_MAX, &text, &length);

    if (r < 0)
        return r == -ENOMEM ? r : 0;
    if (length >= sizeof(magic) && memcmp(text, magic, sizeof(magic)) == 0)
        return add(table, path + sizeof(ZONE_DIRECTORY), text, length);
    free(text);
    return 0;
}

/* All zones over again, with leap seconds and without. */
static bool is_copy(const char *path)
{
    return strcmp(path, ZONE_DIRECTORY "/posix") == 0 || strcmp(path, ZONE_DIRECTORY "/right") == 0;
}

static int load_directory(struct zone_files *table, const char *path, unsigned depth)
{
    struct stat status;
    size_t count;
    char **paths;
    int r = directory_list(path, &paths, &count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (stat(paths[i], &status) < 0 || is_copy(paths[i]))
            continue;
        if (S_ISREG(status.st_mode))
            r = load_file(table, paths[i]);
        else if (S_ISDIR(status.st_mode) && depth > 0 &&
                 load_directory(table, paths[i], depth - 1) == -ENOMEM)
            r = -ENOMEM;
    }
    directory_list_free(paths, count);
    return r;
}

static void put(struct zone_files *table)
{
    struct zone_files *before;

    (void)pthread_mutex_lock(&lock);
    before = files;
    files = table;
    (void)pthread_mutex_unlock(&lock);
    destroy_table(before);
}

static bool is_same(const struct stat *directory)
{
    bool is_same;

    (void)pthread_mutex_lock(&lock);
    is_same = files != NULL && files->directory.st_dev == directory->st_dev &&
              files->directory.st_ino == directory->st_ino &&
              files->directory.st_mtim.tv_sec == directory->st_mtim.tv_sec &&
              files->directory.st_mtim.tv_nsec == directory->st_mtim.tv_nsec;
    (void)pthread_mutex_unlock(&lock);
    return is_same;
}

int zone_files_load(void)
{
    struct stat directory = {0};
    struct zone_files *table;
    int r;

    if (stat(ZONE_DIRECTORY, &directory) == 0 && is_same(&directory))
        return 0;
    table = calloc(1, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    table->directory = directory;
    hash_table_init(&table->by_name);
    list_init(&table->list);
    r = load_directory(table, ZONE_DIRECTORY, DEPTH_MAX);
    if (r == -ENOMEM) {
        destroy_table(table);
        return r;
    }
    table->is_missing = r < 0;
    put(table);
    return 0;
}

/* ---- looking up ---- */

static int copy(const struct zone_file *file, char **ret_text, size_t *ret_length)
{
    char *text = file == NULL ? NULL : malloc(file->length + 1);

    if (file == NULL)
        return -ENOENT;
    if (text == NULL)
        return -ENOMEM;
    memcpy(text, file->text, file->length);
    text[file->length] = '\0';
    *ret_text = text;
    *ret_length = file->length;
    return 0;
}

static int read_from_disk(const char *name, char **ret_text, size_t *ret_length)
{
    cleanup_close int directory = open(ZONE_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return directory < 0 ? -ENODEV
                         : file_read(directory, name, ZONE_FILE_MAX, ret_text, ret_length);
}

int zone_file_read(const char *name, char **ret_text, size_t *ret_length)
{
    bool is_loaded;
    int r = -ENODEV;

    (void)pthread_mutex_lock(&lock);
    is_loaded = files != NULL;
    if (is_loaded && !files->is_missing)
        r = copy(find(files, name), ret_text, ret_length);
    (void)pthread_mutex_unlock(&lock);
    return is_loaded ? r : read_from_disk(name, ret_text, ret_length);
}
