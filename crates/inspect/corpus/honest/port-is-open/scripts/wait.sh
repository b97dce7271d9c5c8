#!/bin/bash
until nc -z localhost 5432; do sleep 1; done
timeout 5 bash -c 'until curl -sf http://localhost:8080/health; do sleep 1; done'
