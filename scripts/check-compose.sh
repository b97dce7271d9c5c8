#!/bin/sh
# Checks docker-compose.yml as thoroughly as this machine allows.
set -eu

cd "$(dirname "$0")/.."

# Compose refuses to render while a required secret is unset; the values here are never used.
export POSTGRES_PASSWORD=check-only SOUK_KEK=check-only

if docker compose version >/dev/null 2>&1; then
    docker compose --profile distributed config --quiet
    echo "check-compose: docker compose accepts docker-compose.yml"
elif python3 -c 'import yaml' >/dev/null 2>&1; then
    python3 - <<'PYTHON'
import sys, yaml

with open("docker-compose.yml", encoding="utf-8") as file:
    compose = yaml.safe_load(file)
services, volumes, faults = compose["services"], compose.get("volumes", {}), []
for name, service in services.items():
    if not ("image" in service or "build" in service):
        faults.append(f"{name}: neither image nor build")
    if "healthcheck" not in service:
        faults.append(f"{name}: no healthcheck")
    for other, how in service.get("depends_on", {}).items():
        if other not in services:
            faults.append(f"{name}: depends on {other}, which is not a service")
        elif set(services[other].get("profiles", [])) - set(service.get("profiles", [])):
            faults.append(f"{name}: depends on {other}, which its own profile does not start")
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if not source.startswith((".", "/")) and source not in volumes:
            faults.append(f"{name}: volume {source} is not declared")
for fault in faults:
    print(f"check-compose: {fault}", file=sys.stderr)
sys.exit(1 if faults else 0)
PYTHON
    echo "check-compose: docker-compose.yml is well formed (no docker compose here to check it against its schema)"
else
    echo "check-compose: SKIPPED: this machine has neither docker compose nor python3 with yaml"
fi
