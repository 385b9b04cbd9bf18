#!/usr/bin/env bash
# Makes the secrets of compose.yaml in deploy/secrets, each once: what is there stays as it is.
# Core and edge read them as settings files (--config), so that none is in an argument or the environment.
set -euo pipefail
umask 077
folder="$(cd "$(dirname "$0")" && pwd)/secrets"
mkdir -p "$folder"
cd "$folder"

random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
keep() { [ -e "$1" ] || { printf '%s\n' "$2" > "$1.new" && mv "$1.new" "$1" && echo "made deploy/secrets/$1"; }; }

keep postgres_password "$(random)"
keep jwt_secret "$(random)"
keep service_secret "$(random)"

keys="jwt-secret = \"$(cat jwt_secret)\"
service-secret = \"$(cat service_secret)\""
keep edge.toml "$keys"
keep core.toml "$keys
store = \"postgres://roomcast:$(cat postgres_password)@postgres/roomcast\"
bus = \"redis://redis:6379\""
# The processes are another user's than yours: the folder is what keeps others out.
chmod 0444 -- *
