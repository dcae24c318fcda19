#!/bin/bash
# Streams between ours and Go ttRPC 1.2.4, both ways, and proto/README.md: its commands and its frame
# work as they are printed. Skipped where deploy/install-deps found no such Go ttRPC.
# usage: streams.sh GO SOURCE_DIRECTORY WORK_DIRECTORY STREAMS API_SERVER
set -euo pipefail
go=$1 source=$2 work=$3 streams=$4 api_server=$5
newer=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vmreclaim/lab/go_ttrpc/usr/share/gocode
if [[ ! -d $newer ]]; then
    echo "skipped: no Go ttRPC with streams in $newer; deploy/install-deps check fetches it"
    exit 77
fi

build() { # PACKAGE OUTPUT
    GOPATH=$work/gopath:$newer:/usr/share/gocode GO111MODULE=off GOFLAGS='' \
        GOCACHE=$work/cache HOME=${HOME:-/nonexistent} "$go" build -o "$2" "$1"
}

# The lines that README.md shows as typed: indented, from the first that begins with $1 to the last.
printed() { sed -n "/^    $1/,/^\$/s/^    //p" "$source/proto/README.md"; }

rm -rf "$work/gopath"
mkdir -p "$work/gopath/src/readme" "$work/bin"
cp -r "$source/proto/vmreclaim" "$work/gopath/src/"
build github.com/containerd/ttrpc/cmd/protoc-gen-go-ttrpc "$work/bin/protoc-gen-go-ttrpc"
command=$(printed 'protoc ')
[[ -n $command ]] || { echo "no command in proto/README.md"; exit 1; }
echo "$command"
(cd "$work/gopath/src" && PATH=$work/bin:$PATH bash -euc "$command")
build "$source/tests/interop/streams.go" "$work/bin/streams"

"$source/tests/interop/run.sh" "$streams" "$work/bin/streams"
"$source/tests/interop/run.sh" "$work/bin/streams" "$streams"

# The example, against a daemon with a script.
directory=$(mktemp -d)
trap 'exec 3>&- 2>/dev/null; wait; rm -rf "$directory"' EXIT
snippet=$(printed 'connection, err := ')
[[ -n $snippet ]] || { echo "no example in proto/README.md"; exit 1; }
frame=$(printed '00 00 00 31 ')
[[ -n $frame ]] || { echo "no frame in proto/README.md"; exit 1; }
cat >"$work/gopath/src/readme/main.go" <<END
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"

	"github.com/containerd/ttrpc"

	controllerv1 "vmreclaim/controller/v1"
)

// Hexadecimal pairs and "text".
func frame(text string) []byte {
	text = regexp.MustCompile("\"[^\"]*\"").ReplaceAllStringFunc(text, func(quoted string) string {
		return hex.EncodeToString([]byte(strings.Trim(quoted, "\"")))
	})
	bytes, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return bytes
}

func main() {
	ctx := context.Background()
$(sed "s,/run/vmreclaim/api.sock,$directory/api.sock,; s,^,\t," <<<"$snippet")
	if err != nil || len(response.Vms) == 0 {
		fmt.Println("ListVms:", response, err)
		os.Exit(1)
	}
	raw, err := net.Dial("unix", "$directory/api.sock")
	if err != nil {
		panic(err)
	}
	if _, err := raw.Write(frame(\`$frame\`)); err != nil {
		panic(err)
	}
	header := make([]byte, 10)
	_, err = io.ReadFull(raw, header)
	if err != nil || header[7] != 1 || header[8] != 2 {
		fmt.Println("PingVm:", header, err)
		os.Exit(1)
	}
	fmt.Println("readme ok")
}
END
build readme "$work/bin/readme"
mkfifo "$directory/alive"
"$api_server" "unix:$directory/api.sock" <"$directory/alive" >"$directory/log" &
exec 3>"$directory/alive"
until grep -q ready "$directory/log"; do
    kill -0 $! || exit 1
    sleep 0.02
done
"$work/bin/readme"
