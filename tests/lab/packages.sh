# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # $packages is for who sources it; $lab_run comes from lib.sh
# For scripts about the Debian packages, that have sourced lib.sh and debian.sh: a Debian guest that
# has nothing of this build but what the packages bring. Sourced, not run.

packages=$LAB_BUILD/packages

# What this tree is, to the byte.
tree_state() {
    (cd "$LAB_SOURCE" && git rev-parse HEAD && git diff HEAD &&
        git ls-files -z --others --exclude-standard | xargs -0r sha256sum) 2>&1 | sha256sum
}

# Once for one state of a clone; a release's tarball has no state to tell.
packages_build() {
    (
        flock 9
        [[ -e $LAB_SOURCE/.git && $(cat "$packages/made-of" 2>/dev/null) == "$(tree_state)" ]] ||
            { "$LAB_SOURCE/deploy/packages/build" "$LAB_BUILD" && tree_state >"$packages/made-of"; }
    ) 9>"$LAB_BUILD/packages.lock"
}

# Instead of debian.sh's.
debian_put_build() {
    local units=/etc/systemd/system
    debian_put "$LAB_BUILD"/tests/lab/guest-exec /usr/local/bin
    mkdir -p "$debian_tree/put$units/sysinit.target.wants"
    debian_exec_unit >"$debian_tree/put$units/guest-exec.service"
    ln -sf ../guest-exec.service "$debian_tree/put$units/sysinit.target.wants/"
}

# put_packages FOLDER WHERE: all but the debugging symbols, into that folder of the guest.
put_packages() {
    local package
    for package in "$1"/*.deb; do
        [[ $package == *-dbgsym_* ]] || debian_put "$package" "$2"
    done
}

# packages_boot NAME CID MEMORY-MIB [QEMU-OPTION...]: up, and services may be started in it: the image
# was made in a chroot, where they may not. A machine may be busier than before it built.
packages_boot() {
    guest_boot_timeout=300
    guest_timeout=900
    debian_boot "$@" && guest_run "$1" 'rm -f /usr/sbin/policy-rc.d'
}

# What follows is about the guest "vm".

is_active() { # UNIT
    guest_run vm "systemctl is-active --quiet $1"
}

# started UNIT...: which start of each this is.
started() {
    guest_run vm "systemctl show -P InvocationID $*"
}

# stays COMMAND...: it succeeds for longer than the 10 s that the daemon wants of an agent before it takes
# its next loss for an accident (AGENT_STAY). Ten minutes at most.
stays() {
    local since end
    since=$(now)
    end=$((since + 600000))
    until (($(now) - since > 12000)); do
        "$@" || since=$(now)
        (($(now) < end)) || return 1
        sleep 0.2
    done
}

# Every file with its rights and owner, what is in those of /etc, and of what is kept in memory those
# with our name. Left out is what belongs to others: dpkg's database and log, the copies that groupadd
# and groupdel make of what was before, folders of services that run, and what the lab put there.
files_of_guest() {
    guest_run vm "
        find / -xdev \( -path /put -o -path /srv -o -path /var/lib/dpkg -o -path /var/log -o -path '/etc/*-' \
            -o -path /var/cache/ldconfig -o -path '*/tmp/systemd-private-*' \) -prune -o -printf '%p %y %m %u:%g %l\n'
        find /run /tmp -name '*vmreclaim*' -print
        find /etc -xdev -type f ! -name '*-' -exec sha256sum {} +" | sort
}

# nothing_left BEFORE: a file with what files_of_guest said.
nothing_left() {
    files_of_guest >"$lab_run/files" && diff "$1" "$lab_run/files" &&
        guest_run vm '! dpkg-query -W -f "\${db:Status-Abbrev} \${Package}\n" "vmreclaim*" 2>/dev/null | grep -v ^un'
}
