# Runs that fail or end half way, and the next one.
load support

@test "a k3s with the wrong checksum is not used; the right one is, in the next run [A9.3]" {
  local right wrong
  right=$(sum_of v1.36.4+k3s1/k3s)
  wrong=$(printf '0%.0s' {1..64})
  given MATRX_K3S_SHA256 "$wrong"
  fails bootstrap
  says "step 'k3s' (files.sh:" "has the SHA-256 $right, not $wrong" 'compare the checksum'
  [[ -z $(find "$ROOT/usr" -name 'k3s*') ]]
  [[ $(calls 'systemctl restart') -eq 0 ]]
  given MATRX_K3S_SHA256 "$right"
  succeeds bootstrap
}

@test "a release with the wrong checksum is not used; the right one is, in the next run [A9.3]" {
  local right
  right=$(sum_of release.tar.gz)
  given MATRX_RELEASE_SHA256 "$(printf '0%.0s' {1..64})"
  fails bootstrap
  says "step 'product'" "has the SHA-256 $right, not 000"
  [[ ! -e $ROOT/etc/matrx/kustomization.yaml ]]
  [[ -z $(ls "$ROOT/opt/matrx/releases") ]]
  given MATRX_RELEASE_SHA256 "$right"
  succeeds bootstrap
}

@test "without the download server it ends with the address and what to do; with it the next run goes on [A9.3]" {
  given MATRX_K3S_MIRROR http://127.0.0.1:9
  fails bootstrap
  says "step 'k3s'" 'http://127.0.0.1:9/v1.36.4%2Bk3s1/k3s' 'look whether the host reaches the address' 'it goes on where it ended'
  given MATRX_K3S_MIRROR "$SERVER_URL"
  succeeds bootstrap
}

@test "without AWS no cluster is begun, as nobody knows whether there is an older one [A9.3]" {
  touch "$FAKE/offline"
  fails bootstrap
  says "step 'server token'" 'Could not connect'
  [[ $(calls 'systemctl') -eq 0 ]]
  rm "$FAKE/offline"
  succeeds bootstrap
}

@test "what an earlier run left half done is done again: a torn download, a torn archive, an unused file [A9.3]" {
  local program
  program=$ROOT/usr/local/lib/matrx/k3s-$(sum_of v1.36.4+k3s1/k3s | head -c 16)
  mkdir -p "$(dirname "$program")" "$ROOT/opt/matrx/releases/$(sum_of release.tar.gz).new/crds" "$ROOT/etc/rancher/k3s"
  head -c 100 "$DOWNLOADS/v1.36.4+k3s1/k3s" >"$program.part"
  head -c 200 "$DOWNLOADS/v1.36.4+k3s1/k3s" >"$program"
  head -c 50 "$DOWNLOADS/release.tar.gz" >"$ROOT/opt/matrx/releases/$(sum_of release.tar.gz).tar.gz.part"
  touch "$ROOT/opt/matrx/releases/$(sum_of release.tar.gz).new/crds/of-another-attempt.yaml"
  echo half >"$ROOT/etc/rancher/k3s/config.yaml.new"
  succeeds bootstrap
  cmp "$program" "$DOWNLOADS/v1.36.4+k3s1/k3s"
  [[ -z $(find "$ROOT/opt" -name of-another-attempt.yaml) ]]
  [[ -z $(find "$ROOT/usr" "$ROOT/opt" "$ROOT/etc" -name '*.part' -o -name '*.new') ]]
}

@test "wherever a run is killed, the next one comes to the same end [A9.3]" {
  succeeds bootstrap
  local wanted total at
  wanted=$(cd "$ROOT" && find . -type f ! -path './var/log/*' ! -path './run/*' ! -name '*.db-*' | sort)
  total=$(wc -l <"$FAKE/calls")
  [[ $total -gt 20 ]]
  for ((at = 1; at < total; at += 4)); do
    rm -rf "${FAKE:?}"
    mkdir -p "$FAKE/bucket" "$FAKE/parameters" "$FAKE/volume"
    touch "$FAKE/calls"
    cp "$BATS_TEST_DIRNAME/fakes/die-here" "$FAKE/../die-here"
    new_host "killed-at-$at"
    echo "$at" >"$FAKE/die-at"
    # A session of its own, so that it is killed and nobody else.
    run setsid --wait "$BOOTSTRAP/matrx-bootstrap" 3>&-
    [[ $status -ne 0 && ! -e $FAKE/die-at ]] || { echo "not killed at $at: $output" && return 1; }
    succeeds bootstrap
    diff <(echo "${wanted}") <(cd "$ROOT" && find . -type f ! -path './var/log/*' ! -path './run/*' ! -name '*.db-*' | sort)
  done
}

@test "settings that were written but not taken over before the run ended are found out" {
  succeeds bootstrap
  rm "$ROOT/etc/matrx-host/k3s.applied"
  succeeds bootstrap
  [[ $(calls 'systemctl restart --no-block k3s') -eq 2 ]]
}

@test "an API server that does not become ready is waited for until the deadline" {
  touch "$FAKE/not-ready"
  given MATRX_WAIT_SECONDS 1
  fails bootstrap
  says "step 'start of k3s'" 'the API server is not ready after 1 s: etcd not ready' 'journalctl --unit k3s'
  rm "$FAKE/not-ready"
  succeeds bootstrap
  [[ $(calls 'systemctl restart --no-block k3s') -eq 1 ]]
}

@test "a product that does not become ready leaves its pods in the log" {
  touch "$FAKE/unhealthy"
  fails bootstrap
  says "step 'product'" 'daemonset/matrx-node is not ready after 20 s' 'timed out waiting'
  grep -q ImagePullBackOff "$ROOT/var/log/matrx-bootstrap.log"
  rm "$FAKE/unhealthy"
  succeeds bootstrap
}

@test "two runs at once, or one beside a roll-out, are refused" {
  exec 7>>"$ROOT/run/matrx-bootstrap.lock"
  flock 7
  fails bootstrap
  says 'another run of it is under way' 'wait until it has ended'
  exec 7>&-
  mkdir -p "$ROOT/etc/matrx"
  exec 7>>"$ROOT/etc/matrx/roll-out.lock"
  flock 7
  fails bootstrap
  says 'a roll-out is under way'
  exec 7>&-
  succeeds bootstrap
}

@test "what nobody foresaw ends it with the step, the line, the command and what to do [A9.3]" {
  touch "$FAKE/sysctl-fails"
  fails bootstrap
  says "step 'kernel settings' (k3s.sh:" 'sysctl --load=' 'ended with 3: Operation not permitted' "the log: $ROOT/var/log/matrx-bootstrap.log"
  [[ $(calls 'systemctl') -eq 0 ]]
  rm "$FAKE/sysctl-fails"
  # Not by `run`: a directory where a file belongs.
  mkdir -p "$ROOT/etc/rancher/k3s/audit.yaml"
  fails bootstrap
  says "step 'k3s' (files.sh:" 'audit.yaml' 'ended with'
  rmdir "$ROOT/etc/rancher/k3s/audit.yaml"
  succeeds bootstrap
}

