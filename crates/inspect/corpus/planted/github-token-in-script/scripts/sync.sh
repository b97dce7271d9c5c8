#!/bin/sh
set -eu
# Mirrors the notes of the team.
git clone "https://x-access-token:ghp@@_f8KqZ2mWtR7vYxL4nBdJ9sPcHgT3uE5aVoQi@github.com/acme-corp/notes.git" notes
