# A server that workers join, and a worker.
load support

installed() {
  sed -n 's/^  - //p' "$ROOT/etc/matrx/kustomization.yaml" | grep overlays
}

worker() {
  new_host "$1"
  local name
  for name in BUCKET WORKSPACE_ROLE_ARN RELEASE_URL RELEASE_SHA256 PRODUCT_IMAGE SANDBOX_IMAGE; do given "MATRX_$name" ''; done
  given MATRX_K3S_ROLE agent
  given MATRX_K3S_URL https://server.matrx-sandbox-dev.internal:6443
  given MATRX_TOKEN_PARAMETER /matrx-sandbox-dev/k3s-agent-token
  given MATRX_NODE_NAME matrx-sandbox-dev-worker-0
  given MATRX_DATA_VOLUME vol-0123456789abcdef0
  mkdir -p "$ROOT/dev"
  touch "$ROOT/dev/sdf"
}

@test "with workers a server has a name for them, a token of their own, and the overlay of several nodes [A9.3]" {
  given MATRX_WORKERS 2
  succeeds bootstrap
  grep -qx "agent-token-file: $ROOT/etc/matrx-host/k3s-agent-token" "$ROOT/etc/rancher/k3s/config.yaml"
  grep -qx 'tls-san: \[server.matrx-sandbox-dev.internal\]' "$ROOT/etc/rancher/k3s/config.yaml"
  [[ $(stat -c %a "$ROOT/etc/matrx-host/k3s-agent-token") == 600 ]]
  [[ $(<"$ROOT/etc/matrx-host/k3s-agent-token") == "$(<"$FAKE/parameters/_matrx-sandbox-dev_k3s-agent-token")" ]]
  cmp -s "$ROOT/etc/matrx-host/k3s-agent-token" "$ROOT/etc/matrx-host/k3s-token" && return 1
  [[ $(installed) == */manifests/overlays/aws-multi-node ]]
  succeeds bootstrap
  [[ $(calls 'aws .*ssm put-parameter') -eq 2 && $(calls 'systemctl restart --no-block k3s') -eq 1 ]]
}

@test "without workers there is no such token" {
  succeeds bootstrap
  [[ ! -e $FAKE/parameters/_matrx-sandbox-dev_k3s-agent-token ]]
  [[ $(grep -c -e agent-token -e tls-san "$ROOT/etc/rancher/k3s/config.yaml") -eq 0 ]]
  [[ $(installed) == */manifests/overlays/aws-single-node ]]
}

@test "workers that come later, and go again, change the overlay, and neither release nor images" {
  succeeds bootstrap
  local release before file=$ROOT/etc/matrx/kustomization.yaml
  release=$(sum_of release.tar.gz)
  cp -r "$ROOT/opt/matrx/releases/$release" "$ROOT/opt/matrx/releases/0123abcd"
  sed -i "s|releases/[0-9a-f]*/|releases/0123abcd/|; s|'one'|two|" "$file"
  before=$(<"$file")
  given MATRX_WORKERS 1
  succeeds bootstrap
  [[ $(<"$file") == "${before/aws-single-node/aws-multi-node}" ]]
  [[ $(installed) == *releases/0123abcd/manifests/overlays/aws-multi-node ]]
  [[ $(calls 'systemctl restart --no-block k3s') -eq 2 ]]
  given MATRX_WORKERS 3
  succeeds bootstrap
  [[ $(calls 'systemctl restart --no-block k3s') -eq 2 ]]
  given MATRX_WORKERS ''
  succeeds bootstrap
  [[ $(<"$file") == "$before" ]]
}

@test "a release that knows no workers stays as it is, and it is said" {
  succeeds bootstrap
  local before
  before=$(<"$ROOT/etc/matrx/kustomization.yaml")
  rm -r "$ROOT/opt/matrx/releases/$(sum_of release.tar.gz)/manifests/overlays/aws-multi-node"
  given MATRX_WORKERS 1
  fails bootstrap
  says 'has no manifests/overlays/aws-multi-node, which MATRX_WORKERS needs' 'roll out a newer one'
  [[ $(<"$ROOT/etc/matrx/kustomization.yaml") == "$before" ]]
}

@test "a worker joins with the token for workers under a name of its own, which its successor has as well [A9.3]" {
  given MATRX_WORKERS 1
  succeeds bootstrap
  worker second
  succeeds bootstrap
  local config=$ROOT/etc/rancher/k3s/config.yaml
  grep -qx 'server: https://server.matrx-sandbox-dev.internal:6443' "$config"
  grep -qx 'node-name: matrx-sandbox-dev-worker-0' "$config"
  [[ $(<"$ROOT/etc/matrx-host/k3s-token") == "$(<"$FAKE/parameters/_matrx-sandbox-dev_k3s-agent-token")" ]]
  [[ ! -e $ROOT/etc/matrx/kustomization.yaml && -e $ROOT/etc/matrx-host/cloudwatch-agent.json ]]
  # What the node proved its name with, and a home that is nowhere else yet.
  echo password >"$ROOT/etc/rancher/node/password"
  echo unsaved >"$ROOT/var/lib/matrx/note.txt"
  worker third
  succeeds bootstrap
  [[ $(<"$ROOT/etc/rancher/node/password") == password && $(<"$ROOT/var/lib/matrx/note.txt") == unsaved ]]
  [[ $(calls mkfs.xfs) -eq 1 ]]
}

@test "a worker has no workers" {
  worker first
  given MATRX_WORKERS 1
  fails bootstrap
  says "MATRX_WORKERS is '1', but MATRX_K3S_ROLE is agent" 'remove it'
}
