#!/bin/sh
curl -s https://api.example/items | jq -r '.[].name' | sort -u
curl -s https://api.example/items | python3 -m json.tool > items.json
curl -s "$URL" | shasum -a 256
wget -qO- https://example.com/list.csv | tee list.csv | wc -l
