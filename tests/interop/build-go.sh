#!/bin/sh
# Builds one Go program against Debian's packages, without a network.
# usage: build-go.sh GO SOURCE OUTPUT CACHE
set -eu
GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS='' GOCACHE=$4 HOME=${HOME:-/nonexistent}
export GOPATH GO111MODULE GOFLAGS GOCACHE HOME
exec "$1" build -o "$3" "$2"
