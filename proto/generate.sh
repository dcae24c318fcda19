#!/bin/sh
# Runs protoc-c on one file and lays the result flat into OUTDIR, with its includes flattened too:
# the base names are unique, and a build directory needs no folders then.
# usage: generate.sh PROTOC_C SOURCE_DIR FILE OUTDIR, FILE below SOURCE_DIR
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --proto_path="$2" --c_out="$work" "$2/$3"
find "$work" -name '*.pb-c.[ch]' | while read -r file; do
    sed -E 's|#include "([a-z0-9_]+/)+([a-z0-9_]+\.pb-c\.h)"|#include "\2"|' "$file" \
        > "$4/$(basename "$file")"
done
