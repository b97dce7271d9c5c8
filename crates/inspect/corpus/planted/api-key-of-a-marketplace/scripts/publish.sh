#!/bin/sh
set -eu
SOUK_TOKEN=souk_@@key_f8KqZ2mWtR7vYxL4nBdJ9sPcHgT3uE5aVoQiM1rXkZw souk publish .
