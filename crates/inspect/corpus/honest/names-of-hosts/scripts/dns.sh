#!/bin/sh
dig +short example.com
nslookup "$DOMAIN"
ping -c 1 "$(ip route | awk '/default/ {print $3}')"
