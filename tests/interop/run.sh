#!/bin/sh
# Runs a server and checks it with a client of the other implementation.
# usage: run.sh SERVER CLIENT
set -eu
directory=$(mktemp -d)
trap 'exec 3>&-; wait; rm -rf "$directory"' EXIT
socket=$directory/agent.sock

# The server lives as long as its standard input.
mkfifo "$directory/alive"
"$1" server "$socket" <"$directory/alive" &
exec 3>"$directory/alive"
# Its socket is there before it listens (flag SO_ACCEPTCON).
until grep -q " 00010000 .* $socket\$" /proc/net/unix; do
    kill -0 $! || exit 1
    sleep 0.02
done
"$2" client "$socket"
