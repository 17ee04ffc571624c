/**
 * Runs once on a new droplet, as root, from cloud-init. Every step is reported before it begins, and a failure with its last output.
 * `TOOLBERTH_FOLDER` and `TOOLBERTH_METADATA` are for tests; cloud-init sets neither.
 */
export const BOOTSTRAP_SCRIPT = `#!/bin/sh
set -eu
FOLDER=\${TOOLBERTH_FOLDER:-/etc/toolberth}
METADATA=\${TOOLBERTH_METADATA:-http://169.254.169.254/metadata/v1}
CONTROL_PLANE_URL=$(cat "$FOLDER/CONTROL_PLANE_URL")
INSTALLER_SHA256=$(cat "$FOLDER/INSTALLER_SHA256")
AGENT_PORT=$(cat "$FOLDER/AGENT_PORT")
STEP=start
LOG=$FOLDER/bootstrap.log
export DEBIAN_FRONTEND=noninteractive

# Letters, digits and plain signs alone, so that it fits into JSON as it is.
plain() { printf '%s' "$1" | tr '\\n\\t' '  ' | tr -cd ' !#-[]-~' | cut -c 1-1500; }

# Through standard input: arguments can be read by every user of the machine.
report() {
  printf '{"token":"%s","step":"%s","state":"%s","message":"%s"}' \\
    "$(plain "$(cat "$FOLDER/token")")" "$STEP" "$1" "$(plain "$2")" |
    curl -fsS -m 15 --retry 3 -H 'content-type: application/json' --data-binary @- \\
      "$CONTROL_PLANE_URL/api/dtma/bootstrap" >/dev/null 2>&1 || true
}

step() { STEP=$1; printf '%s\\n' "$2"; report running "$2"; }

# Whatever ends this, the installation is told with the last words of the step.
ended() {
  code=$?
  [ "$code" -eq 0 ] || report failed "Step $STEP ended with $code: $(tail -n 5 "$LOG" 2>/dev/null)"
  rm -f "$FOLDER/token" "$FOLDER/installer"
  exit "$code"
}
trap ended EXIT

run() { "$@" >"$LOG" 2>&1; }
apt() { run apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -y "$@"; }

step firewall 'Closing every port but that of the agent'
apt update
apt install ufw
run ufw --force reset
run ufw default deny incoming
run ufw default allow outgoing
run ufw allow "$AGENT_PORT/tcp"
run ufw --force enable

step docker 'Installing Docker'
apt install docker.io
run systemctl enable --now docker

step address 'Reading the public address'
ADDRESS=$(curl -fsS -m 10 --retry 5 "$METADATA/interfaces/public/0/ipv4/address" 2>"$LOG")

step installer 'Fetching the installer of the agent'
run curl -fsSL --retry 5 -m 120 -o "$FOLDER/installer" "$CONTROL_PLANE_URL/api/dtma/install.sh"
printf '%s  %s\\n' "$INSTALLER_SHA256" "$FOLDER/installer" | run sha256sum -c -

step agent 'Installing the agent'
run sh "$FOLDER/installer" --token-file "$FOLDER/token" --address "$ADDRESS" --port "$AGENT_PORT" --driver docker
`
