# shellcheck shell=bash disable=SC2034,SC2154 # bats gives and takes variables
# A host in a folder: ROOT in place of /, and in place of the network and of what changes a machine the programs of
# fakes/, which keep what they were told in FAKE. The scripts, curl, sqlite3, openssl, tar and flock are the real ones.

bats_require_minimum_version 1.5.0
BOOTSTRAP=$BATS_TEST_DIRNAME/../../terraform/bootstrap

# A download server on this machine, for all tests of a file.
setup_file() {
  mkdir -p "$BATS_FILE_TMPDIR/downloads/v1.36.4+k3s1" "$BATS_FILE_TMPDIR/release/manifests/base" \
    "$BATS_FILE_TMPDIR/release/manifests/overlays/"aws-{single,multi}-node "$BATS_FILE_TMPDIR/release/crds"
  cp "$BATS_TEST_DIRNAME/fakes/k3s" "$BATS_FILE_TMPDIR/downloads/v1.36.4+k3s1/k3s"
  cp "$BATS_TEST_DIRNAME/../../manifests/base/"{image-fields,namespaces}.yaml "$BATS_FILE_TMPDIR/release/manifests/base"
  tar -czf "$BATS_FILE_TMPDIR/downloads/release.tar.gz" -C "$BATS_FILE_TMPDIR/release" .
  python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$BATS_FILE_TMPDIR/downloads" >"$BATS_FILE_TMPDIR/server" 2>"$BATS_FILE_TMPDIR/requests" 3>&- &
  echo "$!" >"$BATS_FILE_TMPDIR/server.pid"
  local deadline=$((SECONDS + 20))
  until grep -q 'port [0-9]' "$BATS_FILE_TMPDIR/server"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
  SERVER_URL=http://127.0.0.1:$(grep -o 'port [0-9]*' "$BATS_FILE_TMPDIR/server" | cut -d ' ' -f 2)
  export SERVER_URL
}

teardown_file() {
  kill "$(<"$BATS_FILE_TMPDIR/server.pid")"
}

setup() {
  DOWNLOADS=$BATS_FILE_TMPDIR/downloads
  export FAKE=$BATS_TEST_TMPDIR/fake
  mkdir -p "$FAKE/bucket" "$FAKE/parameters" "$FAKE/volume"
  touch "$FAKE/calls"
  export PATH=$BATS_TEST_DIRNAME/fakes:$PATH
  new_host first
}

# new_host NAME: an empty machine, which is ROOT from now on. Bucket, parameters and volume stay.
new_host() {
  export MATRX_ROOT=$BATS_TEST_TMPDIR/$1
  ROOT=$MATRX_ROOT
  mkdir -p "$ROOT/etc/matrx-host" "$ROOT/var/log" "$ROOT/run" "$ROOT/dev"
  rm -f "$FAKE/k3s-running"
  cat >"$ROOT/etc/matrx-host/bootstrap.env" <<END
# as Terraform writes it
MATRX_NAME=matrx-sandbox-dev
MATRX_REGION=eu-central-1
MATRX_BUCKET=workspaces
MATRX_WORKSPACE_ROLE_ARN=arn:aws:iam::123456789012:role/matrx-sandbox-dev-workspace
MATRX_K3S_VERSION=v1.36.4+k3s1
MATRX_K3S_SHA256=$(sum_of v1.36.4+k3s1/k3s)
MATRX_K3S_MIRROR=$SERVER_URL
MATRX_RELEASE_URL=$SERVER_URL/release.tar.gz
MATRX_RELEASE_SHA256=$(sum_of release.tar.gz)
MATRX_PRODUCT_IMAGE=123456789012.dkr.ecr.eu-central-1.amazonaws.com/matrx/product:one
MATRX_SANDBOX_IMAGE=registry.example:5000/sandbox@sha256:$(printf 'a%.0s' {1..64})
MATRX_LOG_GROUP=/matrx/sandbox/matrx-sandbox-dev
MATRX_WAIT_SECONDS=20
END
}

sum_of() {
  sha256sum <"$DOWNLOADS/$1" | cut -d ' ' -f 1
}

# set NAME VALUE: in the host's settings; an empty value removes the line.
given() {
  local file=$ROOT/etc/matrx-host/bootstrap.env
  sed -i "/^$1=/d" "$file"
  [[ -z $2 ]] || printf '%s=%s\n' "$1" "$2" >>"$file"
}

bootstrap() {
  "$BOOTSTRAP/matrx-bootstrap" 3>&-
}

backup() {
  "$BOOTSTRAP/matrx-backup" 3>&-
}

succeeds() {
  run --separate-stderr "$@"
  [[ $status -eq 0 ]] || { echo "$output" && echo "$stderr" && return 1; }
}

# fails COMMAND…: and what it says on stderr is in MESSAGE, as one line.
fails() {
  run --separate-stderr "$@"
  MESSAGE=$(tr '\n' ' ' <<<"$stderr")
  [[ $status -eq 1 ]] || { echo "it ended with $status: $output $MESSAGE" && return 1; }
}

says() {
  local text
  for text in "$@"; do
    [[ $MESSAGE == *"$text"* ]] || { echo "'$text' is not in: $MESSAGE" && return 1; }
  done
}

# How often a call that starts like this was made.
calls() {
  grep -c "^$1" "$FAKE/calls" || true
}

datastore() {
  echo "$ROOT/var/lib/rancher/k3s/server/db/state.db"
}

sql() {
  sqlite3 -cmd '.timeout 10000' "$(datastore)" "$1"
}

BACKUP=.matrx/host/matrx-sandbox-dev/datastore.tar.gz.enc
