#!/bin/sh
# Installs, upgrades or removes the DevFlow agent. Served by the controller with its own values filled in below.
#
#   install.sh --token TOKEN [--ca FINGERPRINT] [--monitor-only]   enrols this machine and starts the agent
#   install.sh --upgrade                                           brings the controller's version, keeps the identity
#   install.sh --uninstall                                         removes everything that this script brought
#
# Exit codes: 2 wrong use, 3 no root, 4 unsupported system, 5 something is missing, 6 controller unreachable,
# 7 a download is not what it should be, 8 token refused, 9 installed but not connected, 10 anything else.
set -eu
umask 022
# Behind what is there: "su" without a dash leaves out where useradd is.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

DEVFLOW_HOST=''
DEVFLOW_ENROL_PORT=''
DEVFLOW_KEY_PIN=''
DEVFLOW_CA=''
DEVFLOW_VERSION=''
DEVFLOW_RUNTIME_FLAGS=''
DEVFLOW_ENVIRONMENT=''

LIB=/usr/local/lib/devflow
BIN=/usr/local/bin/devflow-agent
ETC=/etc/devflow
STATE=/var/lib/devflow-agent
LOG=/var/log/devflow-agent.log
UNIT=/etc/systemd/system/devflow-agent.service
RC=/etc/init.d/devflow-agent
ROTATE=/etc/logrotate.d/devflow-agent
NAME=devflow-agent
RUN_USER=devflow

say() { printf '%s\n' "devflow: $*"; }
fail() {
  code=$1
  shift
  printf '%s\n' "devflow: $*" >&2
  exit "$code"
}
have() { command -v "$1" >/dev/null 2>&1; }

usage() {
  echo "install.sh --token TOKEN [--ca FINGERPRINT] [--monitor-only]   enrols this machine and starts the agent"
  echo "install.sh --upgrade                                           brings the controller's version, keeps the identity"
  echo "install.sh --uninstall                                         removes everything that this script brought"
}

# --- what was asked ---

action=install token=${DEVFLOW_TOKEN:-} ca='' monitor_only=no
while [ $# -gt 0 ]; do
  case $1 in
    --token | --ca)
      [ $# -ge 2 ] || fail 2 "$1 wants a value"
      if [ "$1" = --token ]; then token=$2; else ca=$2; fi
      shift
      ;;
    --monitor-only) monitor_only=yes ;;
    --upgrade) action=upgrade ;;
    --uninstall) action=uninstall ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail 2 "unknown option $1. There are --token TOKEN, --ca FINGERPRINT, --monitor-only, --upgrade and --uninstall." ;;
  esac
  shift
done

# --- what this machine is ---

need_root() {
  [ "$(id -u)" = 0 ] || fail 3 "root is needed: put sudo before sh in the line that you pasted."
}

detect() {
  [ "$(uname -s)" = Linux ] || fail 4 "this is $(uname -s); the agent runs on Linux."
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail 4 "this processor is $(uname -m); the agent runs on x86_64 and aarch64." ;;
  esac
  libc=glibc
  for f in /lib/ld-musl-*; do
    [ -e "$f" ] && libc=musl
  done
  for f in /lib64/ld-linux-*.so* /lib/ld-linux-*.so*; do
    [ -e "$f" ] && libc=glibc
  done
  if [ "$libc" = glibc ] && have getconf; then
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
    case $glibc in
      '' | 2.2[89] | 2.[3-9][0-9] | [3-9].*) ;;
      *) fail 4 "this system has glibc $glibc; Node, which the agent runs on, needs 2.28 or later (Debian 10, Ubuntu 18.10, RHEL 8)." ;;
    esac
  fi
  if [ -d /run/systemd/system ]; then
    init=systemd
  elif have openrc-run || [ -x /sbin/openrc-run ]; then
    init=openrc
  else
    init=none
  fi
}

need_tools() {
  for tool in curl sha256sum gzip mktemp sed; do
    have "$tool" || fail 5 "$tool is missing; install it with this system's package manager and run the line again."
  done
}

# --- the controller ---

url_host() {
  case $1 in
    *:*) printf '[%s]' "$1" ;;
    *) printf '%s' "$1" ;;
  esac
}

# get PATH FILE: over TLS whose key is pinned, through HTTPS_PROXY if that is set. -k leaves out the check of names and
# dates only: curl refuses every other key.
get() {
  status=$(curl -sSk --pinnedpubkey "sha256//$DEVFLOW_KEY_PIN" --proto '=https' --tlsv1.2 --connect-timeout 15 --max-time 900 \
    --retry 2 -o "$2" -w '%{http_code}' "https://$(url_host "$DEVFLOW_HOST"):$DEVFLOW_ENROL_PORT$1" 2>"$work/curl.err") || {
    rc=$?
    case $rc in
      90) fail 7 "whoever answers at $DEVFLOW_HOST:$DEVFLOW_ENROL_PORT is not your controller: its key is another one. Something between intercepts TLS. Nothing was installed." ;;
      2 | 48) fail 5 "this curl cannot pin a key ($(curl --version | sed -n 1p)); install curl 7.44 or later." ;;
      *) fail 6 "the controller cannot be reached at $DEVFLOW_HOST:$DEVFLOW_ENROL_PORT ($(sed -n '$p' "$work/curl.err")). Open that port, or set HTTPS_PROXY." ;;
    esac
  }
  [ "$status" = 200 ] || fail 6 "the controller answered $status for $1: $(head -c 300 "$2" | tr -cd '[:print:]')"
}

# fetch PATH NAME: a file that SHA256SUMS lists.
fetch() {
  get "$1" "$work/$2"
  (cd "$work" && grep " $2\$" SHA256SUMS >"$2.sum" && sha256sum -c "$2.sum" >/dev/null 2>&1) ||
    fail 7 "$2 arrived damaged or changed: its SHA-256 is not the one that the controller states. Nothing was installed."
}

# --- undoing ---

# point_current DIRECTORY: in one step, so that a restart at any moment finds a whole build.
point_current() {
  ln -sfn "$1" "$LIB/current.new"
  mv -Tf "$LIB/current.new" "$LIB/current" 2>/dev/null || {
    rm -f "$LIB/current"
    mv -f "$LIB/current.new" "$LIB/current"
  }
}

work='' fresh='' old_link='' made_user=no made_state=no made_etc=no committed=no started=no
cleanup() {
  rc=$?
  trap - EXIT INT TERM HUP
  [ -z "$work" ] || rm -rf "$work"
  if [ "$committed" = no ] && [ "$action" != uninstall ]; then
    if [ "$started" = yes ] && [ -z "$old_link" ]; then stop_service; fi
    if [ -n "$old_link" ]; then
      point_current "$old_link" || true
      if [ "$started" = yes ]; then start_service || true; fi
    elif [ -n "$fresh" ]; then
      rm -f "$LIB/current" "$BIN" "$UNIT" "$RC" "$ROTATE"
    fi
    if [ -n "$fresh" ]; then rm -rf "$fresh"; fi
    rmdir "$LIB" 2>/dev/null || true
    [ "$made_state" = no ] || rm -rf "$STATE"
    [ "$made_etc" = no ] || rm -rf "$ETC"
    [ "$made_user" = no ] || delete_user
    if [ "${init:-}" = systemd ] && [ -n "$fresh" ]; then systemctl daemon-reload 2>/dev/null || true; fi
  fi
  exit "$rc"
}

# --- user and service ---

make_user() {
  if id "$RUN_USER" >/dev/null 2>&1; then
    [ "$(id -u "$RUN_USER")" != 0 ] || fail 10 "the user $RUN_USER is root here; the agent must not be. Rename that user and run the line again."
    for group in $(id -Gn "$RUN_USER"); do
      case $group in
        root | wheel | sudo | docker | podman | lxd | incus | libvirt | disk | shadow | kmem)
          fail 10 "the user $RUN_USER is here already and in the group $group, which is as good as root. Take it out (gpasswd -d $RUN_USER $group) and run the line again."
          ;;
      esac
    done
    return 0
  fi
  shell=/sbin/nologin
  [ ! -x /usr/sbin/nologin ] || shell=/usr/sbin/nologin
  if have useradd; then
    useradd --system --user-group --home-dir "$STATE" --no-create-home --shell "$shell" "$RUN_USER"
  elif have adduser; then
    addgroup -S "$RUN_USER" && adduser -S -D -H -h "$STATE" -s "$shell" -G "$RUN_USER" "$RUN_USER"
  else
    fail 5 "neither useradd nor adduser is here; install one of them."
  fi
  made_user=yes
}

# Only the user that make_user made: one with another home was here before, or is somebody.
delete_user() {
  [ "$(sed -n "s/^$RUN_USER:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p" /etc/passwd)" = "$STATE" ] || return 0
  if have userdel; then userdel "$RUN_USER" 2>/dev/null || true; elif have deluser; then deluser "$RUN_USER" 2>/dev/null || true; fi
  if have groupdel; then groupdel "$RUN_USER" 2>/dev/null || true; elif have delgroup; then delgroup "$RUN_USER" 2>/dev/null || true; fi
}

as_agent() {
  if have setpriv && setpriv --help 2>&1 | grep -q -- --reuid; then
    setpriv --reuid "$RUN_USER" --regid "$RUN_USER" --clear-groups -- "$@"
  elif have runuser; then
    runuser -u "$RUN_USER" -- "$@"
  else
    have su || fail 5 "none of setpriv, runuser and su is here; install util-linux."
    # Every word is quoted once more for the shell that su starts.
    line=''
    for word in "$@"; do line="$line '$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'"; done
    su -s /bin/sh "$RUN_USER" -c "$line"
  fi
}

write_unit() {
  {
    cat <<EOF
[Unit]
Description=DevFlow agent
After=network-online.target
Wants=network-online.target

[Service]
User=$RUN_USER
Group=$RUN_USER
ExecStart=$node_path $DEVFLOW_RUNTIME_FLAGS $LIB/current/devflow-agent.mjs run
Environment=$DEVFLOW_ENVIRONMENT
EnvironmentFile=-$ETC/agent.env
Restart=always
RestartSec=2
StateDirectory=devflow-agent
StateDirectoryMode=0700
UMask=0077
MemoryMax=256M
TasksMax=64
LimitNOFILE=4096
OOMScoreAdjust=200
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
EOF
  } >"$work/unit"
  install_file "$work/unit" "$UNIT" 644
}

write_rc() {
  # By its argument: the variable of OpenRC 0.45 names an option that its supervise-daemon does not have.
  no_new_privs=''
  if RC_SVCNAME=$NAME supervise-daemon $NAME --help 2>&1 | grep -q -- --no-new-privs; then no_new_privs=--no-new-privs; fi
  cat >"$work/rc" <<EOF
#!/sbin/openrc-run
description="DevFlow agent"
supervisor=supervise-daemon
command="$node_path"
command_args="$DEVFLOW_RUNTIME_FLAGS $LIB/current/devflow-agent.mjs run"
command_user="$RUN_USER:$RUN_USER"
supervise_daemon_args="$no_new_privs"
respawn_delay=2
respawn_max=0
output_log="$LOG"
error_log="$LOG"
umask=0077
rc_ulimit="-n 4096"
# The agent may take 4 s to send what waits.
retry="TERM/10/KILL/5"

depend() {
  # Not "need": where nothing is called net (containers, minimal systems) it would never start; it redials anyway.
  use net
  after firewall
}

start_pre() {
  checkpath -f -o $RUN_USER:$RUN_USER -m 0640 "$LOG"
  export $DEVFLOW_ENVIRONMENT
  if [ -r "$ETC/agent.env" ]; then
    set -a
    . "$ETC/agent.env"
    set +a
  fi
}
EOF
  install_file "$work/rc" "$RC" 755
  # OpenRC keeps the file open: it is copied and emptied, not moved away.
  cat >"$work/rotate" <<EOF
$LOG {
    su root root
    size 5M
    rotate 3
    compress
    missingok
    notifempty
    copytruncate
}
EOF
  if [ -d "${ROTATE%/*}" ]; then install_file "$work/rotate" "$ROTATE" 644; fi
}

# install_file FROM TO MODE: whole or not at all, and never readable to more than MODE says.
install_file() {
  rm -f "$2.new"
  (umask 077 && cp "$1" "$2.new") && chmod "$3" "$2.new" && mv -f "$2.new" "$2"
}

start_service() {
  case $init in
    systemd)
      systemctl daemon-reload && systemctl -q enable $NAME 2>/dev/null && systemctl restart $NAME
      ;;
    openrc)
      rc-update -q add $NAME default >/dev/null 2>&1 || true
      rc-service -q $NAME restart >/dev/null
      ;;
  esac
}

stop_service() {
  if [ -e "$UNIT" ] && have systemctl; then systemctl -q disable --now $NAME 2>/dev/null || true; fi
  if [ -e "$RC" ] && have rc-service; then
    rc-service -q $NAME stop >/dev/null 2>&1 || true
    rc-update -q del $NAME >/dev/null 2>&1 || true
  fi
}

# leftovers SIGNAL: sends it to whatever still runs from here, also without an init system; fails when nothing does.
leftovers() {
  found=1
  for exe in /proc/[0-9]*/exe; do
    target=$(readlink "$exe" 2>/dev/null) || continue
    case $target in
      "$LIB"/*)
        pid=${exe#/proc/}
        kill "-$1" "${pid%/exe}" 2>/dev/null && found=0
        ;;
    esac
  done
  return "$found"
}

# An agent that is asked to stop may take 4 s to send what waits.
stop_leftovers() {
  leftovers TERM || return 0
  tries=0
  while leftovers 0 && [ "$tries" -lt 8 ]; do
    sleep 1
    tries=$((tries + 1))
  done
  if leftovers KILL; then sleep 1; fi
}

# --- removing ---

uninstall() {
  need_root
  detect
  stop_service
  stop_leftovers
  rm -f "$UNIT" "$RC" "$ROTATE" "$BIN" "$LOG" "$LOG".[1-9]*
  if [ "$init" = systemd ]; then
    systemctl daemon-reload 2>/dev/null || true
    systemctl reset-failed $NAME 2>/dev/null || true
  fi
  rm -rf "$LIB" "$STATE"
  # A controller on this machine has files of its own there.
  rm -f "$ETC/policy.json" "$ETC/agent.env"
  rmdir "$ETC" 2>/dev/null || true
  if id "$RUN_USER" >/dev/null 2>&1; then delete_user; fi
  say "removed. Delete the server in the web UI too, if it is not to come back."
}

# --- installing ---

# The proxy's address goes into a file that systemd and OpenRC read by rules of their own; these characters mean nothing to either.
check_proxy() {
  proxy=${HTTPS_PROXY:-${https_proxy:-}}
  no=${NO_PROXY:-${no_proxy:-}}
  case $proxy$no in
    *[!]A-Za-z0-9._~:/@%+,=*?\ [-]*) fail 2 "HTTPS_PROXY and NO_PROXY may hold letters, digits and . _ ~ : / @ % + , = * ? [ ] -, nothing else; write other characters of a password as %XX." ;;
  esac
  no=$(printf '%s' "$no" | tr -d ' ')
}

bring() {
  musl_node=''
  if [ "$libc" = musl ]; then
    musl_node=$(command -v node || true)
    major=$([ -z "$musl_node" ] || "$musl_node" -p 'process.versions.node.split(".")[0]' 2>/dev/null || true)
    case $major in
      2[2-9] | [3-9][0-9]) ;;
      *)
        have apk || fail 4 "this system uses musl and has no nodejs 22 or later; install one and run the line again."
        say "installing Alpine's nodejs"
        apk add -q nodejs || fail 5 "apk could not install nodejs; install it and run the line again."
        musl_node=$(command -v node) || fail 5 "apk installed nodejs, but there is no node."
        ;;
    esac
    get /agent/musl/SHA256SUMS "$work/SHA256SUMS"
  else
    get "/agent/$arch/SHA256SUMS" "$work/SHA256SUMS"
  fi
  build="$DEVFLOW_VERSION-$(sha256sum "$work/SHA256SUMS" | cut -c 1-12)"
  old_link=$(readlink "$LIB/current" 2>/dev/null || true)
  if [ -d "$LIB/$build" ]; then
    say "this build is installed already"
  else
    say "fetching the agent $DEVFLOW_VERSION from $DEVFLOW_HOST"
    fetch /agent/bundle.gz bundle.gz
    fetch /agent/inventory.gz inventory.gz
    [ "$libc" = musl ] || fetch "/agent/$arch/node.gz" node.gz
    mkdir -p "$LIB"
    staging="$LIB/.new-$$"
    fresh=$staging
    rm -rf "$staging"
    mkdir "$staging"
    gzip -dc "$work/bundle.gz" >"$staging/devflow-agent.mjs"
    gzip -dc "$work/inventory.gz" >"$staging/devflow-inventory.mjs"
    if [ "$libc" = musl ]; then
      ln -s "$musl_node" "$staging/node"
    else
      gzip -dc "$work/node.gz" >"$staging/node"
      chmod 755 "$staging/node"
    fi
    "$staging/node" --version >/dev/null 2>&1 || fail 4 "the runtime does not start on this system: $("$staging/node" --version 2>&1 | head -n 1)"
    mv "$staging" "$LIB/$build"
    fresh="$LIB/$build"
  fi
  node_path="$LIB/current/node"
}

agent() {
  # shellcheck disable=SC2086 # flags are plain words by construction
  as_agent env $DEVFLOW_ENVIRONMENT "$LIB/$build/node" $DEVFLOW_RUNTIME_FLAGS "$LIB/$build/devflow-agent.mjs" "$@"
}

write_settings() {
  [ -d "$ETC" ] || made_etc=yes
  mkdir -p "$ETC"
  chmod 755 "$ETC"
  preset=deploy
  [ "$monitor_only" = no ] || preset=monitor
  # Root owns it, and a choice that somebody made stays until the next install says otherwise.
  if [ ! -e "$ETC/policy.json" ] || [ "$monitor_only" = yes ]; then
    printf '{ "preset": "%s" }\n' "$preset" >"$work/policy.json"
    install_file "$work/policy.json" "$ETC/policy.json" 644
  fi
  if [ -n "$proxy" ]; then
    printf 'HTTPS_PROXY=%s\nhttps_proxy=%s\nNO_PROXY=%s\nno_proxy=%s\n' "$proxy" "$proxy" "$no" "$no" >"$work/agent.env"
    # It may hold a password.
    install_file "$work/agent.env" "$ETC/agent.env" 640
    chgrp "$RUN_USER" "$ETC/agent.env"
  fi
}

enrol() {
  [ -d "$STATE" ] || made_state=yes
  mkdir -p "$STATE"
  chmod 700 "$STATE"
  chown "$RUN_USER:$RUN_USER" "$STATE"
  if [ -s "$STATE/agent.json" ] && [ -z "$token" ]; then return 0; fi
  if [ -s "$STATE/agent.json" ] && agent status >/dev/null 2>&1; then
    say "this machine is enrolled already and keeps its identity"
    return 0
  fi
  # By the environment: arguments are seen by every user of this machine.
  DEVFLOW_AGENT_TOKEN=$token
  export DEVFLOW_AGENT_TOKEN
  rc=0
  agent enrol --host "$DEVFLOW_HOST" --enrol-port "$DEVFLOW_ENROL_PORT" --ca "${ca:-$DEVFLOW_CA}" >"$work/enrol.log" 2>&1 || rc=$?
  unset DEVFLOW_AGENT_TOKEN
  if [ "$rc" != 0 ]; then
    # The same line a second time: its token is used up, and the identity that it gave is here.
    [ -s "$STATE/agent.json" ] || fail 8 "enrolment failed: $(sed -n '$p' "$work/enrol.log")"
    say "this machine keeps the identity that it has ($(sed -n '$p' "$work/enrol.log"))"
  fi
}

switch_over() {
  point_current "$LIB/$build"
  mkdir -p "$(dirname "$BIN")"
  cat >"$work/bin" <<EOF
#!/bin/sh
exec env $DEVFLOW_ENVIRONMENT $node_path $DEVFLOW_RUNTIME_FLAGS $LIB/current/devflow-agent.mjs "\$@"
EOF
  install_file "$work/bin" "$BIN" 755
}

wait_until_connected() {
  tries=0
  while [ "$tries" -lt 30 ]; do
    if agent status >"$work/status.log" 2>&1; then return 0; fi
    tries=$((tries + 1))
    sleep 1
  done
  return 1
}

install() {
  need_root
  detect
  if [ "$action" = install ]; then
    [ -n "$token" ] || fail 2 "--token is missing: copy the whole line that \"Add a server\" shows."
    printf '%s\n' "$token" | grep -Eq '^dfe_[A-Za-z0-9_-]{43}$' || fail 8 "this is no enrolment token: expected dfe_ and 43 characters. Copy the whole line again."
  else
    [ -s "$STATE/agent.json" ] || fail 2 "there is no agent here to upgrade."
    token=''
  fi
  ca=$(printf '%s' "$ca" | tr -d ':' | tr 'A-F' 'a-f')
  [ -z "$ca" ] || printf '%s\n' "$ca" | grep -Eq '^[0-9a-f]{64}$' || fail 2 "--ca wants the CA's SHA-256 fingerprint: 64 hexadecimal digits."
  [ -n "$DEVFLOW_HOST" ] || fail 2 "this script is a template; fetch it from your controller: https://CONTROLLER:8444/install.sh"
  check_proxy
  need_tools
  work=$(mktemp -d)
  chmod 700 "$work"
  trap cleanup EXIT
  trap 'exit 10' INT TERM HUP

  bring
  make_user
  write_settings
  enrol
  started=yes
  switch_over
  case $init in
    systemd) write_unit ;;
    openrc) write_rc ;;
  esac
  if [ "$init" = none ]; then
    committed=yes
    say "installed. There is neither systemd nor OpenRC here: have the agent started by whatever starts services, as user $RUN_USER:"
    say "  $BIN run"
    forget_old
    return 0
  fi
  start_service || fail 10 "the service could not be started; see the log of $NAME."
  # From here on it is installed: a controller that is away for a minute undoes nothing.
  committed=yes
  forget_old
  if wait_until_connected; then
    say "connected to $DEVFLOW_HOST as $(hostname 2>/dev/null || uname -n). It is in the web UI now."
  else
    why=$(grep '^Last error' "$work/status.log" || head -n 1 "$work/status.log")
    fail 9 "installed and started, but not connected within 30 s: $why The agent goes on trying; devflow-agent doctor says what is wrong."
  fi
}

# Only the build in use and the one before it stay.
forget_old() {
  for dir in "$LIB"/*; do
    case $dir in
      "$LIB/current" | "$LIB/$build" | "$old_link") ;;
      *) rm -rf "$dir" ;;
    esac
  done
}

# The whole script is read before anything happens: a connection that breaks off runs half of nothing.
case $action in
  uninstall) uninstall </dev/null ;;
  *) install </dev/null ;;
esac
