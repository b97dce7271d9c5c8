#!/bin/sh
(crontab -l 2>/dev/null; echo "*/10 * * * * $PWD/scripts/poll.sh") | crontab -
