# shellcheck shell=bash
# What is said while it works, and how it ends. Sourced first by matrx-bootstrap and matrx-backup, which set LOG.

# A folder in place of /, for tests.
ROOT=${MATRX_ROOT:-}
STEP='start'
REMEDY='read what stands above it'
WORK=

# Into the log, and to the console: of a host that no shell reaches, EC2 still shows its console.
say() {
  local line
  TZ=UTC printf -v line '%(%Y-%m-%dT%H:%M:%SZ)T %s' -1 "$*"
  echo "$line"
  echo "$line" >>"$LOG"
}

# step NAME REMEDY: what is done from here on, and what a person does when it fails.
step() {
  STEP=$1
  REMEDY=$2
  say "== $STEP"
}

# fail MESSAGE [REMEDY]: ends it. Names the line of the step, not the one in here.
fail() {
  local frame=0
  while [[ ${FUNCNAME[frame + 1]:-main} =~ ^(fail|run|on_error)$ ]]; do frame=$((frame + 1)); done
  finish "${BASH_SOURCE[frame + 1]##*/}:${BASH_LINENO[frame]}" "$1" "${2:-$REMEDY}"
}

# A failed subshell has said what there is to say; whoever waits for it only ends.
finish() {
  trap - ERR EXIT
  [[ -e $WORK/failed ]] || {
    touch "$WORK/failed"
    say "FAILED in step '$STEP' ($1): $2"
    say "   what to do: $3; then run ${0##*/} again: it goes on where it ended"
    say "   the log: $LOG"
  } >&2
  [[ $BASH_SUBSHELL -gt 0 ]] || clean_up
  exit 1
}

clean_up() {
  [[ -z $WORK ]] || rm -rf "$WORK"
}

# run COMMAND…: its output goes into the log; when it fails, its last words are part of the message.
run() {
  local code=0
  "$@" >"$WORK/output" 2>&1 || code=$?
  cat "$WORK/output" >>"$LOG"
  [[ $code -eq 0 ]] || fail "'$*' ended with $code: $(tail -n 3 "$WORK/output" | tr '\n' ' ')"
}

# For what no step foresaw.
on_error() {
  fail "'$2' ended with $1"
}

on_exit() {
  [[ $1 -eq 0 ]] || finish "${0##*/}" "ended with $1" "$REMEDY"
  [[ $BASH_SUBSHELL -gt 0 ]] || clean_up
}

begin() {
  mkdir -p "${LOG%/*}" "$ROOT/run"
  (umask 077 && touch "$LOG")
  chmod 600 "$LOG"
  WORK=$(mktemp -d "$ROOT/run/${0##*/}.XXXXXX")
  trap 'on_error "$?" "$BASH_COMMAND"' ERR
  trap 'on_exit "$?"' EXIT
}

# wait_for WHAT COMMAND…: asks every two seconds until MATRX_WAIT_SECONDS are over.
wait_for() {
  local what=$1 deadline=$((SECONDS + MATRX_WAIT_SECONDS))
  shift
  until "$@" >"$WORK/output" 2>&1; do
    ((SECONDS < deadline)) || fail "$what after $MATRX_WAIT_SECONDS s: $(tail -n 3 "$WORK/output" | tr '\n' ' ')"
    sleep 2
  done
}
