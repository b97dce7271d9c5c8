#!/bin/sh
# House rules that no compiler checks: nothing in the tree names the machine it was written on, and files stay readable.
set -eu

cd "$(dirname "$0")/.."
if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    echo "check-tree: SKIPPED: this is no git work tree, so it cannot be told which files belong to Souk"
    exit 0
fi
root=$(pwd -P)
status=0

complain() {
    printf 'check-tree: %s\n' "$1" >&2
    status=1
}

# Tracked files and new ones that are not ignored, as they are in the work tree.
files() { git ls-files --cached --others --exclude-standard -- "$@"; }

# matches PATTERN: lines of text files, catalogues of other people's making excepted.
matches() { files . ':!:examples' ':!:**/testdata/**' ':!:**/fixtures/**' ':!:LICENSE' | tr '\n' '\0' | xargs -0 grep -InE -- "$1" 2>/dev/null || true; }

quote() { printf '%s' "$1" | sed 's/[][\.*^$+?(){}|/]/\\&/g'; }

for place in "$root" "${HOME:-}"; do
    case $place in '' | / | /tmp | /home) continue ;; esac
    found=$(matches "(^|[^[:alnum:]_.~-])$(quote "$place")(/|$)" | head -n 5)
    [ -z "$found" ] || complain "a path of this machine ($place):
$found"
done

found=$(matches '(^|[^[:alnum:]_./~-])/(home|Users)/[a-z]+/' | grep -v '/home/linuxbrew/' | head -n 5)
[ -z "$found" ] || complain "a path in somebody's home directory:
$found"

# Which mirror a machine installs from is that machine's own business.
found=$(matches 'https?://(index|static|registry|mirrors?|proxy|pypi|artifactory|nexus)\.[a-z0-9-]+\.' |
    grep -vE 'https://(registry|static)\.modelcontextprotocol\.io' | head -n 5 || true)
[ -z "$found" ] || complain "the address of a package registry:
$found"
found=$(files '.cargo/*' 'pip.conf' '.npmrc' '**/.npmrc')
[ -z "$found" ] || complain "configuration of a package manager, which belongs to the machine: $found"

# Documents that name files which are not there mislead. Checked: local links, and paths of code in backquotes.
found=$(files '*.md' ':!:examples' | while read -r file; do
    here=$(dirname "$file")
    grep -oE '\]\([^)#:]+[)#]' "$file" | sed 's/^](//; s/[)#]$//' | sort -u | while read -r target; do
        [ -e "$here/$target" ] || echo "$file links to $target"
    done
    # Backquotes are what is looked for.
    # shellcheck disable=SC2016
    grep -oE '`[A-Za-z0-9_./-]+/[A-Za-z0-9_./-]+\.(rs|sql|sh|toml|yml)`' "$file" | tr -d '`' | sort -u | while read -r target; do
        [ -e "$target" ] || echo "$file names $target"
    done
done)
[ -z "$found" ] || complain "documents point at files that do not exist:
$found"

found=$(files '*.rs' | while read -r file; do
    [ -f "$file" ] || continue
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 500 ]; then echo "$lines $file"; fi
done | sort -rn)
if [ -n "$found" ]; then
    echo "check-tree: Rust files over 500 lines (consider splitting):"
    echo "$found" | sed 's/^/    /'
    longest=${found%% *}
    [ "$longest" -le 1000 ] || complain "no file may be longer than 1,000 lines"
fi

[ "$status" -ne 0 ] || echo "check-tree: ok"
exit "$status"
