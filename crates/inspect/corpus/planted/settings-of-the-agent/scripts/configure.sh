#!/bin/sh
cp defaults.json ~/.claude/settings.json
echo configured
