/* What MOM or Proxmox VE would do with real guests: lines about them in, targets out, until the end
 * of the input. Sizes are bytes.
 *
 *     host TOTAL AVAILABLE
 *     guest NAME SIZE FREE MINIMUM MAXIMUM SHARES     each, in any order
 *     sample                                          that is how it is now
 *     decide                                          answers a line "NAME TARGET" for each guest
 *                                                     that is to be changed, then "." */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/host-rivals.h"

#define GUESTS_MAX 32

struct guest {
    char name[32];
    double size, free, minimum, maximum, shares;
    struct mom_history size_history, free_history;
};

static struct guest guests[GUESTS_MAX];
static unsigned count;
static double total, available;
static struct mom_history host_history;

static _Noreturn void refuse(const char *line)
{
    fprintf(stderr, "balloon-rules: not understood: %s", line);
    exit(2);
}

static struct guest *find(const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(guests[i].name, name) == 0)
            return &guests[i];
    if (count == GUESTS_MAX)
        refuse("too many guests\n");
    strcpy(guests[count].name, name);
    return &guests[count++];
}

static void read_guest(const char *line)
{
    struct guest read;
    struct guest *guest;

    if (sscanf(line, "guest %31s %lf %lf %lf %lf %lf", read.name, &read.size, &read.free,
               &read.minimum, &read.maximum, &read.shares) != 6)
        refuse(line);
    guest = find(read.name);
    read.size_history = guest->size_history;
    read.free_history = guest->free_history;
    *guest = read;
}

static void sample(void)
{
    mom_take(&host_history, available);
    for (unsigned i = 0; i < count; i++) {
        mom_take(&guests[i].size_history, guests[i].size);
        mom_take(&guests[i].free_history, guests[i].free);
    }
}

static void answer(const struct guest *guest, double target)
{
    if (target != 0)
        printf("%s %.0f\n", guest->name, target);
}

static void decide_as_mom(void)
{
    for (unsigned i = 0; i < count; i++) {
        const struct guest *guest = &guests[i];
        struct mom_guest as_mom_sees_it = {
            .size = guest->size,
            .size_mean = mom_mean(&guest->size_history),
            .free_mean = mom_mean(&guest->free_history),
            .minimum = guest->minimum,
            .maximum = guest->maximum,
        };

        answer(guest, mom_decide(mom_mean(&host_history) / total, &as_mom_sees_it));
    }
}

static void decide_as_proxmox(void)
{
    struct proxmox_guest as_proxmox_sees_it[GUESTS_MAX];
    const double used = total - available;

    for (unsigned i = 0; i < count; i++)
        as_proxmox_sees_it[i] = (struct proxmox_guest){
            .maximum = guests[i].maximum,
            .minimum = guests[i].minimum,
            .size = guests[i].size,
            .free = guests[i].free,
            .shares = guests[i].shares,
        };
    proxmox_decide(as_proxmox_sees_it, count, total * PROXMOX_TARGET - used, PROXMOX_STEP);
    for (unsigned i = 0; i < count; i++)
        answer(&guests[i], as_proxmox_sees_it[i].target);
}

int main(int argc, char *argv[])
{
    char line[256];
    bool is_mom = argc == 2 && strcmp(argv[1], "mom") == 0;

    if (!is_mom && (argc != 2 || strcmp(argv[1], "proxmox") != 0)) {
        fprintf(stderr, "Usage: balloon-rules mom | proxmox\n");
        return 2;
    }
    while (fgets(line, sizeof(line), stdin)) {
        if (strncmp(line, "guest ", 6) == 0)
            read_guest(line);
        else if (strcmp(line, "sample\n") == 0)
            sample();
        else if (strcmp(line, "decide\n") == 0) {
            is_mom ? decide_as_mom() : decide_as_proxmox();
            puts(".");
            fflush(stdout);
        } else if (sscanf(line, "host %lf %lf", &total, &available) != 2)
            refuse(line);
    }
    return 0;
}
