# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034,SC2317 # $lab_run and guest_launch are lib.sh's; called by name
# A cgroup of memory, v1 or v2, that stands for the host: what runs in it is killed for want of
# memory, and the machine is safe. For scripts that have sourced lib.sh. Sourced, not run.
#
# It is a group of our own at the top of the hierarchy, and no other is touched. What runs in it ends
# with the script, however that ends. Needs root.

lab_group=''      # its directory
lab_group_limit=0 # bytes

# Sets $group_root and $group_version where the kernel keeps cgroups of memory.
group_find_root() {
    local type path options
    while read -r _ path type options _; do
        case $type,$options, in
            cgroup,*,memory,*)
                group_root=$path group_version=1
                return
                ;;
            cgroup2,*)
                # A lab host is ours, and has no init that does it.
                [[ -z ${LAB_HOST_ENDS:-} ]] || echo +memory >"$path/cgroup.subtree_control"
                grep -qw memory "$path/cgroup.subtree_control" || continue
                group_root=$path group_version=2
                return
                ;;
        esac
    done </proc/mounts
    return 1
}

# group_make BYTES: the limit. Nothing in it is swapped out: that would only be slower. Status 77
# says that there cannot be one here.
group_make() {
    local name=${lab_run##*/}
    [[ $EUID -eq 0 ]] || { echo "lab: a cgroup needs root"; return 77; }
    group_find_root || { echo "lab: no cgroups of memory are mounted here"; return 77; }
    mkdir "$group_root/$name" || { echo "lab: no cgroup can be made in $group_root"; return 77; }
    lab_group=$group_root/$name
    if ((group_version == 1)); then
        echo 0 >"$lab_group/memory.swappiness" && echo "$1" >"$lab_group/memory.limit_in_bytes"
    else
        [[ ! -e $lab_group/memory.swap.max ]] || echo 0 >"$lab_group/memory.swap.max"
        echo "$1" >"$lab_group/memory.max"
    fi || return
    lab_group_limit=$1
    guest_launch=(group_enter)
}

# group_enter COMMAND...: becomes the command, in the group.
group_enter() {
    echo "$BASHPID" >"$lab_group/cgroup.procs" || exit
    exec setpriv --pdeathsig KILL "$@"
}

# What is still in it is ours, and would keep it.
group_remove() {
    [[ -n $lab_group && -z ${LAB_HOST_ENDS:-} ]] || return 0
    xargs -r kill -KILL <"$lab_group/cgroup.procs" 2>/dev/null
    wait_for 10 rmdir "$lab_group" 2>/dev/null || echo "lab: $lab_group is left over" >&2
}

# For what follows. `key`s are v1's, of all below the group.
group_usage() {
    if ((group_version == 1)); then
        cat "$lab_group/memory.usage_in_bytes"
    else
        cat "$lab_group/memory.current"
    fi
}

# What is page cache of files, which the kernel takes back by itself.
group_cache() {
    awk -v total="$([[ $group_version == 2 ]] || echo total_)" '
        $1 == total "active_file" || $1 == total "inactive_file" { cache += $2 }
        $1 == total "dirty" || $1 == "file_dirty" { cache -= $2 }
        END { printf "%.0f\n", cache < 0 ? 0 : cache }' "$lab_group/memory.stat"
}

# What can still be used: the host's MemAvailable.
group_available() {
    echo $((lab_group_limit - $(group_usage) + $(group_cache)))
}

# How many processes the kernel killed in it.
group_oom_kills() {
    awk '$1 == "oom_kill" { print $2 }' \
        "$lab_group/$( ((group_version == 1)) && echo memory.oom_control || echo memory.events)"
}

group_finish() {
    lab_finish
    group_remove
}
trap group_finish EXIT
