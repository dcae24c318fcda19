/* Families of a fleet; vmreclaim-web(8) has them, too. */
#include "controller/web/fleet-metrics.h"

#include "common/base/number.h"
#include "common/base/util.h"
#include "fleet.pb-c.h"

/* A value, with its label's where the family has one. */
struct value {
    const char *label;
    uint64_t value;
};

static void put(struct exposition *exposition, const char *name, const char *help,
                const char *label, const struct value *values, size_t count)
{
    exposition_family(exposition, name, "gauge", help);
    for (size_t i = 0; i < count; i++) {
        const struct exposition_label labels[] = {{label, values[i].label}};

        exposition_sample(exposition, "", labels, label == NULL ? 0 : 1,
                          (int64_t)min_of(values[i].value, (uint64_t)INT64_MAX), 0);
    }
}

static void put_one(struct exposition *exposition, const char *name, const char *help,
                    uint64_t value)
{
    put(exposition, name, help, NULL, &(struct value){.value = value}, 1);
}

static void put_coordinator(struct exposition *exposition,
                            const Vmreclaim__Fleet__V1__GetCoordinatorResponse *coordinator)
{
    put_one(exposition, "fleet_bus_connected", "Whether the coordinator has the fleet's bus.",
            coordinator->bus_is_there != 0);
    put_one(exposition, "fleet_leader_known", "Whether it knows of a coordinator that leads.",
            coordinator->leads || coordinator->leader[0] != '\0');
    put_one(exposition, "fleet_leads", "Whether it leads itself.", coordinator->leads != 0);
}

static void put_hosts(struct exposition *exposition, const struct host_table *hosts)
{
    struct host_sums sums = {.hosts = 0};

    for (size_t i = 0; i < hosts->count; i++)
        host_sums_add(&sums, &hosts->rows[i]);

    const struct value presence[] = {{"present", sums.by_presence[HOST_PRESENT]},
                                     {"lost", sums.by_presence[HOST_LOST]},
                                     {"unknown", sums.by_presence[HOST_UNKNOWN]}};
    const struct value problems[] = {{"without_figures", sums.without_figures},
                                     {"behind", sums.behind},
                                     {"refused", sums.refused},
                                     {"pinned", sums.pinned},
                                     {"degraded", sums.degraded}};

    put(exposition, "fleet_hosts", "Hosts of the fleet.", "presence", presence,
        ARRAY_SIZE(presence));
    put(exposition, "fleet_host_problems", "Hosts with a problem.", "problem", problems,
        ARRAY_SIZE(problems));
    put_one(exposition, "fleet_vms", "VMs of all hosts with figures.", sums.vms);
    put_one(exposition, "fleet_footprint_bytes", "What these hosts hold for their VMs.",
            sums.footprint);
    put_one(exposition, "fleet_could_return_bytes", "What could come back of that.",
            sums.could_return);
    put_one(exposition, "fleet_returned_bytes", "What came back since each host's daemon started.",
            sums.returned);
}

static void put_rollouts(struct exposition *exposition, const uint64_t *rollouts)
{
    struct value values[FLEET_STATES];
    char names[FLEET_STATES][FLEET_STATE_SIZE];
    size_t count = 0;

    for (unsigned i = 1; i < FLEET_STATES; i++)
        if (fleet_state_name(i, names[i]) != NULL)
            values[count++] = (struct value){names[i], rollouts[i]};
    put(exposition, "fleet_rollouts", "Rollouts by state.", "state", values, count);
}

void fleet_metrics_put(struct exposition *exposition, const struct fleet_facts *facts)
{
    put_one(exposition, "fleet_up", "Whether the fleet's coordinator answered.", facts != NULL);
    if (facts == NULL)
        return;
    put_coordinator(exposition, facts->coordinator);
    put_hosts(exposition, &facts->hosts);
    put_rollouts(exposition, facts->rollouts);
}
