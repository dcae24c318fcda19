/* The API put together. */
#include "controller/api/api.h"

#include <assert.h>

#include "controller/api/events.h"

void api_init(struct api *api, const struct api_rooms *rooms)
{
    *api = (struct api){
        .rooms = *rooms,
        .groups = {API_GROUP_NONE, API_GROUP_NONE, API_GROUP_NONE},
    };
    rpc_times_init(&api->times);
    api_methods_check();
    api_users_init(&api->users, rooms->supervisor->loop);
    api_door_init(api);
    api_events_init(api);
    slices_init(&api->slices, rooms->supervisor->loop);
    list_init(&api->other_dumps);
}

void api_stop(struct api *api)
{
    supervisor_unlisten(&api->listener);
    api_door_stop(api);
    slices_stop(&api->slices);
}

void api_finish(struct api *api)
{
    assert(list_is_empty(&api->connections) && list_is_empty(&api->watchers));
    assert(list_is_empty(&api->slices.ready) && list_is_empty(&api->other_dumps));
    api_users_finish(&api->users);
}
