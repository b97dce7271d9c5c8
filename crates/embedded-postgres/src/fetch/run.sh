#!/bin/sh
# Runs the program of this name from the unpacked packages, with the libraries that came with them.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 127
for directory in "$here"/usr/lib/*-linux-gnu* "$here"/lib/*-linux-gnu*; do
    if [ -d "$directory" ]; then LD_LIBRARY_PATH=$directory${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi
done
export LD_LIBRARY_PATH
for program in "$here"/usr/lib/postgresql/*/bin/"${0##*/}"; do exec "$program" "$@"; done
