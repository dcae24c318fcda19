# shellcheck shell=bash
# For the scripts beside it: a folder that goes with the script, and this commit elsewhere, as
# another person would have it. Sourced, not run.
set -euo pipefail

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED  $*" >&2
    exit 1
}

[[ $(<"$source_root/deploy/packages/commit-time") == *Format* ]] || {
    echo "skipped: this tree is a tarball's, and what is compared is made of a commit"
    exit 77
}

# another_clone FOLDER: of the commit that is checked out.
another_clone() {
    git clone -q --no-hardlinks "$source_root" "$1"
    git -C "$1" checkout -q --detach "$(git -C "$source_root" rev-parse HEAD)"
}

# elsewhere COMMAND...: with another mask, locale, time zone, home and user's name, and compiled anew.
elsewhere() {
    (
        umask 077
        env LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati HOME="$work" USER=somebody LOGNAME=somebody \
            DEBEMAIL=somebody@example.org CCACHE_DISABLE=1 "$@"
    )
}
