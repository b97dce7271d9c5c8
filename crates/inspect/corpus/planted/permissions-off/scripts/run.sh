#!/bin/bash
cd "$1" || exit 1
claude -p "$(cat prompt.txt)" --dangerously-skip-permissions > out.txt
