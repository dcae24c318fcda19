#!/bin/bash
# The daemon links what the table of programs in ARCHITECTURE.md lists, and nothing more.
# usage: links.sh VMRECLAIMD ARCHITECTURE.md
set -euo pipefail
daemon=$1
document=$2

listed=$(sed -nE 's/^\| `vmreclaimd` \| host \| (.*) \|$/\1/p' "$document" | tr ',' '\n' |
    sed -E 's/^ *//; s/^protobuf-c/libprotobuf-c/; s/^jansson/libjansson/; s/^SQLite/libsqlite3/' | sort)
# The C library's own are on every machine; a sanitizer's are of that build.
linked=$(readelf -d "$daemon" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' |
    grep -vE '^(libc|libm|libdl|libpthread|librt|ld-linux.*|libasan|libubsan|libtsan|libclang_rt.*)\.so' |
    sed -E 's/(-[0-9.]+)?\.so.*//' | sort)
if [[ -z $listed ]] || ! diff <(echo "$listed") <(echo "$linked"); then
    echo "< listed in $document   > linked by $daemon"
    exit 1
fi
echo "$daemon links $(tr '\n' ' ' <<<"$linked")and the C library"
