#!/bin/sh
# Installs the agent of a Toolberth toolbox on this machine, or upgrades the one that is there. Read it before you run it.
#
#   sh install.sh --token TOKEN            install, enrol, start
#   sh install.sh                          upgrade an agent that is enrolled
#   sh install.sh --uninstall              stop the agent and delete everything of it
#
#   --token TOKEN       one-time token from the page of the toolbox; or --token-file FILE, or the variable TOOLBERTH_TOKEN
#   --address HOST      name or address under which Toolberth reaches this machine (default: the one it reaches Toolberth from)
#   --port PORT         port that the agent listens on (default 7443)
#   --listen ADDRESS    address that it listens on (default 0.0.0.0; 127.0.0.1 when Toolberth is on this machine)
#   --driver NAME       docker or process (default: docker where an engine runs, else process)
#   --prefix DIR        program files (default /opt/toolberth-agent)
#   --state DIR         keys, enrolment, servers' files (default /var/lib/toolberth-agent)
#   --ca FILE           further certificate authority to trust Toolberth's certificate by
#   --no-service        do not use systemd
#   --foreground        stay in the foreground, as containers want it
set -eu

CONTROL_PLANE_URL='@CONTROL_PLANE_URL@'
AGENT_VERSION='@AGENT_VERSION@'
AGENT_SHA256='@AGENT_SHA256@'
# Node that this installation can hand out, and the SHA-256 of its program.
NODE_PLATFORM='@NODE_PLATFORM@'
NODE_SHA256='@NODE_SHA256@'
OLDEST_NODE=24

PREFIX=/opt/toolberth-agent
STATE=/var/lib/toolberth-agent
TOKEN=${TOOLBERTH_TOKEN:-}
TOKEN_FILE=
ADDRESS=
PORT=
LISTEN=
DRIVER=
CA=
SERVICE=yes
FOREGROUND=no
UNINSTALL=no
UNIT=toolberth-agent
STEP=arguments
TEMPORARY=
unset TOOLBERTH_TOKEN

say() { printf '%s\n' "toolberth: $*"; }

# Ends with a message, which is told to Toolberth as well, so that it stands on the page of the toolbox.
fail() {
  printf '%s\n' "toolberth: $*" >&2
  report failed "$*"
  exit 1
}

# Letters, digits and plain signs alone, so that it fits into JSON as it is.
plain() { printf '%s' "$1" | tr '\n\t' '  ' | tr -cd ' !#-[]-~' | cut -c 1-1500; }

report() {
  [ -n "$TOKEN" ] || return 0
  body=$(printf '{"token":"%s","step":"%s","state":"%s","message":"%s"}' \
    "$(plain "$TOKEN")" "$(plain "$STEP")" "$1" "$(plain "$2")")
  # Through standard input: arguments can be read by every user of the machine.
  if command -v curl >/dev/null 2>&1; then
    printf '%s' "$body" | curl -fsS -m 15 ${CA:+--cacert "$CA"} -H 'content-type: application/json' \
      --data-binary @- "$CONTROL_PLANE_URL/api/dtma/bootstrap" >/dev/null 2>&1 || true
  elif command -v wget >/dev/null 2>&1 && [ -n "$TEMPORARY" ]; then
    (umask 077 && printf '%s' "$body" >"$TEMPORARY/report")
    wget -q -T 15 -t 1 ${CA:+--ca-certificate="$CA"} --header='content-type: application/json' \
      --post-file="$TEMPORARY/report" -O /dev/null "$CONTROL_PLANE_URL/api/dtma/bootstrap" >/dev/null 2>&1 || true
  fi
}

step() {
  STEP=$1
  shift
  say "$*"
  report running "$*"
}

clean_up() {
  code=$?
  [ -z "$TEMPORARY" ] || rm -rf "$TEMPORARY"
  exit "$code"
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 -m 600 ${CA:+--cacert "$CA"} -o "$2" "$CONTROL_PLANE_URL$1" 2>"$TEMPORARY/error"
  else
    wget -q -T 60 -t 3 ${CA:+--ca-certificate="$CA"} -O "$2" "$CONTROL_PLANE_URL$1" 2>"$TEMPORARY/error"
  fi || fail "$CONTROL_PLANE_URL$1 could not be fetched: $(cat "$TEMPORARY/error")"
}

sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1" | cut -d ' ' -f 1; else shasum -a 256 "$1" | cut -d ' ' -f 1; fi
}

check_sum() {
  actual=$(sha256_of "$1")
  [ "$actual" = "$2" ] || fail "$3 has the SHA-256 $actual and not $2: it was changed on the way, or Toolberth was upgraded meanwhile. Fetch this script again."
}

value_of() {
  [ "$#" -ge 2 ] || fail "$1 needs a value."
  printf '%s' "$2"
}

read_arguments() {
  while [ "$#" -gt 0 ]; do
    case $1 in
      --token) TOKEN=$(value_of "$@"); shift ;;
      --token-file) TOKEN_FILE=$(value_of "$@"); shift ;;
      --address) ADDRESS=$(value_of "$@"); shift ;;
      --port) PORT=$(value_of "$@"); shift ;;
      --listen) LISTEN=$(value_of "$@"); shift ;;
      --driver) DRIVER=$(value_of "$@"); shift ;;
      --prefix) PREFIX=$(value_of "$@"); shift ;;
      --state) STATE=$(value_of "$@"); shift ;;
      --ca) CA=$(value_of "$@"); shift ;;
      --no-service) SERVICE=no ;;
      --foreground) FOREGROUND=yes; SERVICE=no ;;
      --uninstall) UNINSTALL=yes ;;
      *) fail "$1 is no option of this script. Its head lists them." ;;
    esac
    shift
  done
  if [ -n "$TOKEN_FILE" ]; then
    [ -r "$TOKEN_FILE" ] || fail "The file $TOKEN_FILE cannot be read."
    TOKEN=$(tr -d ' \n\r' <"$TOKEN_FILE")
  fi
  case $PREFIX$STATE in *[!A-Za-z0-9/._-]*) fail "--prefix and --state may hold letters, digits and / . _ - alone." ;; esac
  case $PREFIX in /*/*) ;; *) fail "--prefix has to be an absolute path of two names or more." ;; esac
  case $STATE in /*/*) ;; *) fail "--state has to be an absolute path of two names or more." ;; esac
  case $ADDRESS$LISTEN in *[!A-Za-z0-9.:-]*) fail "--address and --listen have to be a name or an address." ;; esac
  case $PORT in *[!0-9]*) fail "--port has to be a number." ;; esac
  case $DRIVER in '' | docker | process) ;; *) fail "--driver has to be docker or process." ;; esac
  if [ -n "$CA" ]; then
    [ -r "$CA" ] || fail "The file $CA cannot be read."
    CA=$(cd "$(dirname "$CA")" && pwd)/$(basename "$CA")
  fi
}

has_systemd() { [ "$SERVICE" = yes ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

# The process that was started without systemd; nothing when it is gone or its number belongs to another program.
running_pid() {
  [ -r "$STATE/agent.pid" ] || return 0
  pid=$(cat "$STATE/agent.pid")
  case $pid in '' | *[!0-9]*) return 0 ;; esac
  kill -0 "$pid" 2>/dev/null || return 0
  if [ -r "/proc/$pid/cmdline" ]; then
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF "$PREFIX/" || return 0
  fi
  printf '%s' "$pid"
}

stop_agent() {
  if has_systemd && systemctl cat "$UNIT" >/dev/null 2>&1; then systemctl stop "$UNIT" || true; fi
  pid=$(running_pid)
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null || true
  waited=0
  while kill -0 "$pid" 2>/dev/null; do
    [ "$waited" -lt 60 ] || { kill -9 "$pid" 2>/dev/null || true; break; }
    sleep 1
    waited=$((waited + 1))
  done
  rm -f "$STATE/agent.pid"
}

uninstall() {
  say "Stopping the agent and its servers"
  stop_agent
  if has_systemd && [ -f "/etc/systemd/system/$UNIT.service" ]; then
    systemctl disable "$UNIT" >/dev/null 2>&1 || true
    rm -f "/etc/systemd/system/$UNIT.service"
    systemctl daemon-reload
  fi
  rm -rf "$PREFIX" "$STATE"
  say "Nothing of the agent is left in $PREFIX and $STATE. Delete the toolbox in Toolberth as well; containers and volumes of its servers go when that is done first."
}

check_machine() {
  STEP=check
  [ "$(uname -s)" = Linux ] || fail "The agent runs on Linux; this is $(uname -s)."
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || fail "Neither curl nor wget is installed."
  command -v sha256sum >/dev/null 2>&1 || command -v shasum >/dev/null 2>&1 || fail "Neither sha256sum nor shasum is installed."
  for program in tar gunzip mktemp; do
    command -v "$program" >/dev/null 2>&1 || fail "$program is not installed."
  done
  mkdir -p "$PREFIX/versions" "$STATE" 2>/dev/null || fail "$PREFIX and $STATE cannot be made. Run this as root, such as with sudo."
  [ -w "$PREFIX" ] && [ -w "$STATE" ] || fail "$PREFIX and $STATE cannot be written. Run this as root, such as with sudo."
  chmod 755 "$PREFIX" "$PREFIX/versions"
  TEMPORARY=$(mktemp -d)
  ENROLLED=no
  if [ -f "$STATE/state/enrollment.json" ]; then ENROLLED=yes; fi
  if [ -z "$TOKEN" ] && [ "$ENROLLED" = no ]; then
    fail "A token is needed: --token TOKEN, --token-file FILE or TOOLBERTH_TOKEN. It is on the page of the toolbox."
  fi
}

# What an earlier run was told stays, where this one is told nothing.
earlier() {
  [ -r "$PREFIX/agent.env" ] || return 0
  sed -n "s/^$1='\(.*\)'\$/\1/p" "$PREFIX/agent.env" | tail -n 1
}

settle() {
  STEP=configure
  case $CONTROL_PLANE_URL in
    http://localhost* | http://127.* | http://\[::1\]*) local_plane=yes ;;
    https://*) local_plane=no ;;
    *) fail "Toolberth has to be reached over HTTPS; its address is $CONTROL_PLANE_URL." ;;
  esac
  before=$(earlier DTMA_ADVERTISED_URL)
  PORT=${PORT:-$(earlier DTMA_PORT)}
  PORT=${PORT:-7443}
  [ "$PORT" -ge 1 ] && [ "$PORT" -le 65535 ] || fail "--port has to be between 1 and 65535."
  if [ -z "$ADDRESS" ] && [ -n "$before" ]; then
    ADDRESS=$(printf '%s' "$before" | sed -e 's|^https://||' -e 's|:[0-9]*$||')
  fi
  if [ -z "$ADDRESS" ] && [ "$local_plane" = yes ]; then ADDRESS=127.0.0.1; fi
  if [ -z "$ADDRESS" ]; then
    plane=$(printf '%s' "$CONTROL_PLANE_URL" | sed -e 's|^[a-z]*://||' -e 's|/.*||' -e 's|:[0-9]*$||')
    plane_ip=$(getent ahostsv4 "$plane" 2>/dev/null | head -n 1 | cut -d ' ' -f 1) || true
    ADDRESS=$(ip -4 route get "${plane_ip:-$plane}" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' | head -n 1) || true
    [ -n "$ADDRESS" ] || ADDRESS=$(hostname -I 2>/dev/null | cut -d ' ' -f 1) || true
    [ -n "$ADDRESS" ] || fail "The address of this machine cannot be told. Give it: --address HOST."
  fi
  case $ADDRESS in *:*) case $ADDRESS in \[*) ;; *) ADDRESS="[$ADDRESS]" ;; esac ;; esac
  LISTEN=${LISTEN:-$(earlier DTMA_HOST)}
  if [ -z "$LISTEN" ]; then
    if [ "$local_plane" = yes ]; then LISTEN=127.0.0.1; else LISTEN=0.0.0.0; fi
  fi
  CA=${CA:-$(earlier NODE_EXTRA_CA_CERTS)}
  DRIVER=${DRIVER:-$(earlier DTMA_DRIVER)}
  if [ -z "$DRIVER" ]; then
    if [ -S /var/run/docker.sock ] && [ -w /var/run/docker.sock ]; then DRIVER=docker; else DRIVER=process; fi
  fi
  if [ "$DRIVER" = process ] && ! command -v npm >/dev/null 2>&1; then
    fail "There is neither a Docker engine nor npm on this machine, so it could run no server. Install one of them, and run this again."
  fi
}

node_version() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || printf 0; }

provide_node() {
  for candidate in "$PREFIX/bin/node" "$(command -v node || true)"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] || continue
    [ "$(node_version "$candidate")" -ge "$OLDEST_NODE" ] || continue
    NODE=$candidate
    return 0
  done
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
  esac
  if [ "$NODE_PLATFORM" != "linux-$arch" ]; then
    fail "The agent needs Node $OLDEST_NODE or newer, and Toolberth has none for linux-$arch to hand out. Install it from https://nodejs.org, and run this again."
  fi
  step node "Fetching Node from Toolberth"
  fetch "/api/dtma/node-$NODE_PLATFORM.gz" "$TEMPORARY/node.gz"
  gunzip "$TEMPORARY/node.gz" || fail "Node could not be unpacked."
  check_sum "$TEMPORARY/node" "$NODE_SHA256" Node
  chmod 755 "$TEMPORARY/node"
  [ "$(node_version "$TEMPORARY/node")" -ge "$OLDEST_NODE" ] || fail "The Node that Toolberth hands out does not run on this machine: $("$TEMPORARY/node" --version 2>&1 | head -n 1). Install Node $OLDEST_NODE or newer yourself, and run this again."
  mkdir -p "$PREFIX/bin"
  cp "$TEMPORARY/node" "$PREFIX/bin/node.new"
  mv -f "$PREFIX/bin/node.new" "$PREFIX/bin/node"
  NODE=$PREFIX/bin/node
}

provide_agent() {
  folder=$PREFIX/versions/$AGENT_SHA256
  if [ ! -f "$folder/package.json" ]; then
    step fetch "Fetching agent $AGENT_VERSION"
    fetch /api/dtma/agent.tgz "$TEMPORARY/agent.tgz"
    check_sum "$TEMPORARY/agent.tgz" "$AGENT_SHA256" "The agent"
    rm -rf "$folder.new"
    mkdir -p "$folder.new"
    tar -xzf "$TEMPORARY/agent.tgz" -C "$folder.new" || fail "The agent could not be unpacked."
    rm -rf "$folder"
    mv "$folder.new" "$folder"
  fi
}

write_files() {
  umask 077
  if [ -n "$TOKEN" ]; then
    printf '%s\n' "$TOKEN" >"$PREFIX/token.new"
    mv -f "$PREFIX/token.new" "$PREFIX/token"
  fi
  {
    printf "CONTROL_PLANE_URL='%s'\n" "$CONTROL_PLANE_URL"
    printf "DTMA_HOME='%s'\n" "$STATE"
    printf "DTMA_HOST='%s'\n" "$LISTEN"
    printf "DTMA_PORT='%s'\n" "$PORT"
    printf "DTMA_ADVERTISED_URL='%s'\n" "https://$ADDRESS:$PORT"
    printf "DTMA_DRIVER='%s'\n" "$DRIVER"
    printf "ENROLLMENT_TOKEN_FILE='%s'\n" "$PREFIX/token"
    [ -z "$CA" ] || printf "NODE_EXTRA_CA_CERTS='%s'\n" "$CA"
  } >"$PREFIX/agent.env.new"
  mv -f "$PREFIX/agent.env.new" "$PREFIX/agent.env"
  # Settings of your own go here; they are kept.
  [ -f "$PREFIX/local.env" ] || : >"$PREFIX/local.env"
  umask 022
  cat >"$PREFIX/start.new" <<START
#!/bin/sh
set -eu
set -a
. '$PREFIX/agent.env'
. '$PREFIX/local.env'
set +a
exec '$NODE' '$PREFIX/current/launcher.mjs'
START
  chmod 755 "$PREFIX/start.new"
  mv -f "$PREFIX/start.new" "$PREFIX/start"
  ln -sfn "versions/$AGENT_SHA256" "$PREFIX/current.new"
  mv -fT "$PREFIX/current.new" "$PREFIX/current"
}

start_service() {
  cat >"/etc/systemd/system/$UNIT.service" <<SERVICE
[Unit]
Description=Toolberth agent
After=network-online.target docker.service
Wants=network-online.target

[Service]
ExecStart=$PREFIX/start
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=90

[Install]
WantedBy=multi-user.target
SERVICE
  systemctl daemon-reload
  systemctl enable "$UNIT" >/dev/null 2>&1 || fail "The service could not be enabled: systemctl enable $UNIT."
  systemctl restart "$UNIT" || fail "The service could not be started: journalctl -u $UNIT tells why."
  say "It runs as the service $UNIT; its log: journalctl -u $UNIT"
}

start_alone() {
  nohup "$PREFIX/start" >>"$STATE/agent.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$STATE/agent.pid"
  say "There is no systemd here: the agent runs until the machine is stopped, and nobody starts it then. Its log: $STATE/agent.log"
}

last_words() {
  if has_systemd; then journalctl -u "$UNIT" -n 5 --no-pager -o cat 2>/dev/null; else tail -n 5 "$STATE/agent.log" 2>/dev/null; fi | tr '\n' ' '
}

wait_for_enrolment() {
  waited=0
  while [ ! -f "$STATE/state/enrollment.json" ]; do
    if [ "$waited" -ge 90 ]; then fail "The agent runs, but could not enrol within 90 s: $(last_words)"; fi
    sleep 1
    waited=$((waited + 1))
  done
  say "Enrolled. Toolberth now dials https://$ADDRESS:$PORT; the toolbox is active once it has got through."
}

main() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  read_arguments "$@"
  if [ "$UNINSTALL" = yes ]; then
    TOKEN=
    uninstall
    exit 0
  fi
  check_machine
  settle
  provide_node
  provide_agent
  step start "Starting agent $AGENT_VERSION ($DRIVER driver)"
  if [ "$FOREGROUND" = yes ]; then
    write_files
    rm -rf "$TEMPORARY"
    TEMPORARY=
    exec "$PREFIX/start"
  fi
  stop_agent
  write_files
  if has_systemd; then start_service; else start_alone; fi
  if [ "$ENROLLED" = no ]; then wait_for_enrolment; fi
  say "Done."
}

# The last line, so that a script that was cut off on the way does nothing.
main "$@"
