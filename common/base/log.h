/* Logging of the daemons: one line per message on standard error, with the "<N>" priority prefix of
 * sd-daemon(3) when a journal reads it. Libraries do not log; engines do not either. */
#ifndef VMRECLAIM_COMMON_BASE_LOG_H
#define VMRECLAIM_COMMON_BASE_LOG_H

#include <stdbool.h>

#include "common/base/time.h"
#include "common/base/util.h"

/* syslog(3) priorities. */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

/* Messages above `level` are dropped. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Where lines go instead of standard error; NULL restores it. For tests. */
typedef void (*log_sink)(enum log_level level, const char *line, void *userdata);
void log_set_sink(log_sink sink, void *userdata);

void log_write(enum log_level level, const char *format, ...) printf_like(2, 3);

/* One message for each line of a text of our own. */
void log_lines(enum log_level level, const char *text);

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* At most `burst` messages per `interval`, for what a peer can provoke. Zero-initialise `begun`,
 * `passed` and `suppressed`. */
struct log_limit {
    nsec_t interval;
    unsigned burst;
    nsec_t begun;
    unsigned passed;
    unsigned suppressed; /* since the last message that passed */
};

/* True when a message may be written now; then `*ret_suppressed` is how many were not. */
bool log_limit_pass(struct log_limit *limit, nsec_t now, unsigned *ret_suppressed);

#endif
