/* vmreclaim reserve release ID */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ReleaseReservationResponse *response = (const void *)message;
    const Reservation *reservation = response->reservation;

    if (reservation == NULL)
        return fail(EXIT_FAILED, "the daemon's answer has no reservation in it");
    printf("reservation %" PRIu64 " of %s is released", reservation->id,
           BYTES_TEXT(reservation->size));
    if (reservation->vm[0] != '\0') {
        fputs("; it was for ", stdout);
        print_text(reservation->vm);
    }
    putchar('\n');
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ReleaseReservationRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_RESERVATION_REQUEST__INIT;

    if (number_parse(operands[0], &request.id) < 0)
        return fail(EXIT_USAGE, "reserve release: \"%s\" is no number; 'reserve list' has them",
                    operands[0]);
    return client_call(cli, "ReleaseReservation", &request.base, print, NULL);
}

const struct command command_reserve_release = {
    .name = "reserve release",
    .operands = "ID",
    .operand_count = 1,
    .summary = "give reserved memory of the host free again",
    .description = "Ends a reservation, whoever made it. Its memory is there for all again, and\n"
                   "the arbiter gives back what it took for it once the host has enough.",
    .example = "vmreclaim reserve release 7",
    .see_also = "reserve list",
    .trace = "vmreclaim reserve list",
    .run = run,
};
