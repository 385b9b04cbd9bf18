#!/usr/bin/env bash
# PostgreSQL, Redis, two cores and two edges on this machine, for trying out: docs/guides/cluster.md.
# One Ctrl-C ends them all, and what they kept goes with them. A process that ends by itself, or that you
# end, is started again after a pause, so that there is something to see.
#
#   CLUSTER_DIR   folder for it all: sockets, settings, logs and the process ids NAME.pid
#   CORE_PORTS, EDGE_PORTS, REDIS_PORT   on 127.0.0.1
#   ROOMCAST      the program
set -euo pipefail

folder=${CLUSTER_DIR:-/tmp/roomcast-cluster}
read -r -a core_ports <<< "${CORE_PORTS:-50051 50052}"
read -r -a edge_ports <<< "${EDGE_PORTS:-8000 8001}"
redis_port=${REDIS_PORT:-6390}
roomcast=${ROOMCAST:-target/debug/roomcast}
pause=5 # seconds until a process that has ended is started again

die() { echo "cluster: $*" >&2; exit 1; }

# --- what it needs ---------------------------------------------------------------------------------

postgres_bin=$(dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | head -n 1)")
[ -x "$postgres_bin/initdb" ] || postgres_bin=$(dirname "$(command -v initdb || true)")
[ -x "$postgres_bin/initdb" ] || die "PostgreSQL is missing (Debian: sudo apt-get install postgresql)"
command -v redis-server >/dev/null || die "Redis is missing (Debian: sudo apt-get install redis-server)"
command -v setsid >/dev/null || die "setsid is missing (Debian: sudo apt-get install util-linux)"
[ -x "$roomcast" ] || die "$roomcast is missing: run make cluster, which builds it"
for port in "${core_ports[@]}" "${edge_ports[@]}" "$redis_port"; do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        die "port $port is taken; say others with CORE_PORTS, EDGE_PORTS and REDIS_PORT"
    fi
done

# PostgreSQL does not run as root.
as_postgres=()
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || die "there is no user postgres, and PostgreSQL does not run as root"
    as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)
fi

mkdir -p "$folder"
exec 9> "$folder/lock"
flock --nonblock 9 || die "another cluster runs in $folder"

# --- starting, and starting again ------------------------------------------------------------------

keepers=()
finish() {
    trap - EXIT
    # Once is enough, however often it is said.
    trap '' INT TERM
    # Keepers first: they would start again what ends now.
    kill "${keepers[@]}" 2>/dev/null || true
    for name in edge-2 edge-1 core-2 core-1 redis; do stop "$name" TERM; done
    # Fast: it waits for nobody who is still connected.
    stop postgres INT
    for _ in $(seq 100); do
        [ -z "$(running)" ] && break
        sleep 0.1
    done
    for pid in $(running); do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "${folder:?}"
    echo "cluster: all has ended"
}
stop() { kill "-$2" "$(cat "$folder/$1.pid" 2>/dev/null)" 2>/dev/null || true; }
running() {
    for file in "$folder"/*.pid; do
        kill -0 "$(cat "$file")" 2>/dev/null && cat "$file"
    done || true
}

# keep NAME COMMAND…: runs it, in a session of its own so that Ctrl-C is this script's alone.
keep() {
    local name=$1
    shift
    while :; do
        local status=0
        setsid "$@" >> "$folder/$name.log" 2>&1 9>&- &
        echo $! > "$folder/$name.pid"
        { wait $! || status=$?; } 2> /dev/null
        echo "cluster: $name has ended ($status), and starts again in $pause s"
        sleep "$pause"
    done
}
start() {
    keep "$@" &
    keepers+=($!)
}
# until_ready NAME COMMAND…: waits until the command succeeds.
until_ready() {
    local name=$1
    shift
    for _ in $(seq 150); do
        "$@" > /dev/null 2>&1 && return
        sleep 0.2
    done
    tail -n 5 "$folder/$name.log" >&2
    die "$name does not start; its log is above"
}

trap finish EXIT
trap 'exit 0' INT TERM

random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
umask 077
database="$folder/postgres"
mkdir -p "$database"
[ "$(id -u)" = 0 ] && chmod 711 "$folder" && chown postgres "$database"
cat > "$folder/settings.toml" <<TOML
jwt-secret = "$(random)"
service-secret = "$(random)"

[core]
store = "postgres://roomcast@${database//\//%2F}/postgres"
bus = "redis://127.0.0.1:$redis_port"
TOML

echo "cluster: starting in $folder"
"${as_postgres[@]}" "$postgres_bin/initdb" --username=roomcast --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --no-instructions --pgdata="$database/data" > "$folder/postgres.log" 2>&1 9>&- \
    || die "initdb failed: see $(cat "$folder/postgres.log")"
start postgres "${as_postgres[@]}" "$postgres_bin/postgres" -D "$database/data" -k "$database" -c listen_addresses=
start redis redis-server --bind 127.0.0.1 --port "$redis_port" --save "" --appendonly no
until_ready postgres "$postgres_bin/pg_isready" --host "$database"

export ROOMCAST_CONFIG="$folder/settings.toml" ROOMCAST_LOG_FORMAT=json
cores=
for n in 1 2; do
    port=${core_ports[n - 1]}
    cores+="${cores:+,}http://127.0.0.1:$port"
    start "core-$n" "$roomcast" core --listen "127.0.0.1:$port"
    until_ready "core-$n" "$roomcast" health core --core "http://127.0.0.1:$port"
done
for n in 1 2; do
    port=${edge_ports[n - 1]}
    start "edge-$n" "$roomcast" edge --listen "127.0.0.1:$port" --core "$cores"
    until_ready "edge-$n" "$roomcast" health edge --edge "http://127.0.0.1:$port"
done

echo "cluster: ready
  edges       http://127.0.0.1:${edge_ports[0]} and http://127.0.0.1:${edge_ports[1]}
  cores       $cores
  settings    export ROOMCAST_CONFIG=$folder/settings.toml
  logs        $folder/NAME.log; kill -9 \$(cat $folder/NAME.pid) ends one of
              postgres redis core-1 core-2 edge-1 edge-2
Ctrl-C ends all."
wait
