#!/bin/sh
# Quietly install what is missing.
pip install --quiet -r requirements.txt
npm ci --silent
