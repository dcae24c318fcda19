/* What comes by itself, told to the loop; from any thread. What there is no memory for is not told.
 */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_ARRIVALS_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_ARRIVALS_H

#include "controller/fleet/bus/parts.h"

void arrivals_tell_state(struct bus *bus, bool is_connected, const char *problem);

/* The stream's name lives as long as the bus. */
void arrivals_tell_of_stream(struct bus *bus, const char *stream, bool is_remade);

/* `kept`: the stream's last sequence when it was followed. */
void arrivals_tell_message(struct bus *bus, natsMsg *message, bool is_of_stream, uint64_t kept);

/* In the stream that it comes from; 0: from none. */
uint64_t arrivals_sequence_of(natsMsg *message);

/* Of what libnats calls back for: one more, or one less, which the thread is woken for. */
void arrivals_count_open(struct bus *bus, int change);

/* The server has said something of it, or is about to. */
void arrivals_note_alive(struct bus_delivery *delivery);

/* Messages were lost, or streams may be: the thread subscribes anew. */
void arrivals_note_behind(struct bus *bus);

#endif
