/* A cron expression, "minute hour day-of-month month day-of-week", as sets of bits.
 *
 * Each field is a list of values, ranges and steps: "*", "5", "1-5", "0,30", "9-17/2", and a
 * star with a step.
 * Months and days of the week also take names (jan, mon); Sunday is 0 or 7. As in crontab(5): when
 * both day fields are restricted, one of the two is enough. */
#ifndef VMRECLAIM_COMMON_POLICY_CRON_H
#define VMRECLAIM_COMMON_POLICY_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

struct cron {
    char text[64]; /* as written */
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;
    uint16_t months;  /* bit 1: January */
    uint8_t weekdays; /* bit 0: Sunday */
    bool days_restricted;
    bool weekdays_restricted;
};

/* -EINVAL: not such an expression, -ERANGE: a number out of its field's range or the text too long;
 * `error` names the field. */
int cron_parse(const char *text, struct cron *ret_cron, struct error *error);

/* The start of the latest matching minute in (`earliest`, `time`], as seconds of local time since
 * the epoch (the caller has added the zone's offset). False: none. */
bool cron_previous(const struct cron *cron, int64_t time, int64_t earliest, int64_t *ret_start);

#endif
