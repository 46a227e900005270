#!/usr/bin/env bash
# Runs on the host, as root: makes a release the one that runs there, or puts back the one before.
#
# It gets, in the environment: REVISION, PRODUCT_IMAGE and SANDBOX_IMAGE (repository:tag); beside this script lie the
# release's crds/ and manifests/. The host's own settings are /etc/matrx/kustomization.yaml, which names a release's
# manifests/overlays/aws-single-node (with workers aws-multi-node) as its resource and the images; the release and the images
# are what is changed there.
#
# What if it ends right here? kustomization.yaml is replaced whole. The settings that last were healthy stay beside it, as
# last-healthy.yaml, until the new ones are: the next roll-out finds them and rolls back to them, not to what was left.
set -euo pipefail
umask 077

readonly settings=${MATRX_SETTINGS:-/etc/matrx}
readonly releases=${MATRX_RELEASES:-/opt/matrx/releases}
readonly rollout_seconds=${ROLLOUT_SECONDS:-180}
readonly health_attempts=${HEALTH_ATTEMPTS:-30}
readonly health_pause=${HEALTH_PAUSE:-2}
readonly overlays='manifests/overlays/aws-(single|multi)-node'
readonly file=$settings/kustomization.yaml
readonly healthy=$settings/last-healthy.yaml
readonly workloads=(daemonset/matrx-node deployment/matrx-controller deployment/matrx-facade)

fail() {
  echo "roll-out: $*" >&2
  exit 1
}

kubectl() {
  k3s kubectl "$@"
}

# The release that the settings name, as an absolute path.
release_of() {
  local path
  path=$(grep -oE "[^][:space:]\"',[]*/$overlays" "$file" | head -n 1) || return 1
  (cd "$settings" && realpath -m "${path%/manifests/overlays/*}")
}

# The settings with this release and these images in place of those they name.
with_release() {
  awk -v product="$PRODUCT_IMAGE" -v sandbox="$SANDBOX_IMAGE" '
    function entry(name, image,   at) {
      at = match(image, /:[^:\/]*$/)
      printf "  - name: %s\n    newName: %s\n    newTag: %s\n", name, substr(image, 1, at - 1), substr(image, at + 1)
    }
    /^images:/ { inside = 1; next }
    inside && /^[^[:space:]#-]/ { inside = 0 }
    !inside
    END {
      print "images:"
      entry("matrx-sandbox/product", product)
      entry("matrx-sandbox/sandbox", sandbox)
    }' "$file" |
    sed -E "s#[^][:space:]\"',[]*/($overlays)#$1/\1#g"
}

# Functions that may fail say so themselves: where a caller asks for their outcome, bash goes on after a failed line.
switch() {
  # kustomize takes no absolute path.
  with_release "$(realpath -m --relative-to="$settings" "$release")" >"$file.new" || return 1
  mv -f "$file.new" "$file" || return 1
  local rendered image
  rendered=$(kubectl kustomize "$settings") || return 1
  for image in "$PRODUCT_IMAGE" "$SANDBOX_IMAGE"; do
    grep -qF "image: $image" <<<"$rendered" || {
      echo "$image is not in what $file renders" >&2
      return 1
    }
  done
}

# The definitions come first: what is of their kinds cannot be applied before they are known.
apply() {
  local running
  running=$(release_of) || return 1
  kubectl apply --server-side --force-conflicts --field-manager=matrx -k "$running/crds" || return 1
  kubectl wait --for=condition=Established --timeout=60s \
    crd/sandboxes.matrx.dev crd/workspaces.matrx.dev crd/sandboxtemplates.matrx.dev || return 1
  kubectl apply --server-side --force-conflicts --field-manager=matrx -k "$settings" || return 1
}

# Every pod runs the applied version and is ready, and the API answers.
is_healthy() {
  local workload address
  for workload in "${workloads[@]}"; do
    kubectl -n matrx-system rollout status "$workload" --timeout="${rollout_seconds}s" || return 1
  done
  address=$(kubectl -n matrx-system get service matrx-facade -o 'jsonpath={.spec.clusterIP}') || return 1
  for _ in $(seq "$health_attempts"); do
    curl --silent --show-error --fail --max-time 5 "http://$address/health" && echo && return 0
    sleep "$health_pause"
  done
  echo "http://$address/health did not answer in $health_attempts attempts" >&2
  return 1
}

# What a person would look at next.
journal() {
  echo '--- pods'
  kubectl -n matrx-system get pods -o wide || true
  echo '--- events'
  kubectl -n matrx-system get events --sort-by=.lastTimestamp | tail -n 20 || true
  local workload
  for workload in "${workloads[@]}"; do
    echo "--- $workload"
    kubectl -n matrx-system logs "$workload" --tail=15 --all-containers || true
  done
  echo '--- k3s'
  journalctl --unit k3s --no-pager --lines 20 || true
}

roll_back() {
  echo "roll-out: $REVISION failed" >&2
  journal >&2
  mv -f "$healthy" "$file"
  if apply && is_healthy; then
    fail "$REVISION does not run: rolled back to $(release_of), which is healthy"
  fi
  fail "$REVISION does not run, and neither does $(release_of), which was rolled back to: see above"
}

[[ ${REVISION:-} =~ ^[0-9a-f]{7,40}$ ]] || fail "REVISION is '${REVISION:-}': give the commit's hexadecimal name"
for name in PRODUCT_IMAGE SANDBOX_IMAGE; do
  [[ ${!name:-} =~ ^[a-z0-9][a-z0-9._:/-]*:[A-Za-z0-9_.-]+$ ]] || fail "$name is '${!name:-}': give repository:tag"
done
[[ -f $file ]] || fail "$file is not there: run the host's bootstrap first"
exec 9>"$settings/roll-out.lock"
flock --nonblock 9 || fail "another roll-out is under way on this host: wait for it"
release_of >/dev/null || fail "$file names no manifests/overlays/aws-… among its resources: run the host's bootstrap again"

if [[ -f $healthy ]]; then
  echo "roll-out: an earlier one did not end; $healthy is what is rolled back to"
else
  cp "$file" "$healthy.new"
  mv -f "$healthy.new" "$healthy"
fi

# A release that is there is there whole.
release=$releases/$REVISION
if [[ ! -d $release ]]; then
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  rm -rf "$release.new"
  mkdir -p "$release.new"
  cp -R "$source/crds" "$source/manifests" "$release.new/"
  mv "$release.new" "$release"
fi

if switch && apply && is_healthy; then
  rm -f "$healthy"
  echo "roll-out: $REVISION runs: $PRODUCT_IMAGE, $SANDBOX_IMAGE"
else
  roll_back
fi
