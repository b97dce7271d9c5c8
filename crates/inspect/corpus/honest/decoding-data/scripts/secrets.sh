#!/bin/sh
kubectl get secret app -o jsonpath='{.data.ca}' | base64 -d > ca.crt
echo "$CONFIG" | base64 --decode | jq .
