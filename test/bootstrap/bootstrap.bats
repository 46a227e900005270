# From an empty host to the product.
load support

@test "an empty host gets k3s, pinned and hardened, and the product; it says so in its log [A9.3]" {
  succeeds bootstrap
  [[ $output == *'== done'* ]]
  [[ $(stat -c %a "$ROOT/var/log/matrx-bootstrap.log") == 600 ]]
  diff <(echo "$output") "$ROOT/var/log/matrx-bootstrap.log" | grep -q '^<' && return 1
  [[ $(readlink "$ROOT/usr/local/bin/k3s") == *"/k3s-$(sum_of v1.36.4+k3s1/k3s | head -c 16)" ]]
  local line
  for line in "write-kubeconfig-mode: '600'" 'secrets-encryption: true' 'protect-kernel-defaults: true' \
    'disable: \[traefik, servicelb, metrics-server\]' 'node-name: matrx-sandbox-dev' '  - audit-log-path=.*' \
    'kube-controller-manager-arg: \[node-monitor-grace-period=30s\]' \
    '  - admission-control-config-file=.*' '  - container-log-max-size=10Mi' '  - container-log-max-files=3'; do
    grep -qx "$line" "$ROOT/etc/rancher/k3s/config.yaml"
  done
  grep -q 'enforce: restricted' "$ROOT/etc/rancher/k3s/admission.yaml"
  grep -q 'vm.overcommit_memory = 1' "$ROOT/etc/sysctl.d/90-matrx.conf"
  [[ $(calls 'systemctl restart --no-block k3s') -eq 1 ]]
  [[ $(calls 'systemctl enable --now matrx-backup.timer') -eq 1 ]]
}

@test "the product is installed with this host's bucket, role and images, definitions first [A9.3]" {
  succeeds bootstrap
  local folder=$ROOT/etc/matrx
  diff "$folder/kustomization.yaml" - <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# kustomize takes no absolute path.
resources:
  - ../../opt/matrx/releases/$(sum_of release.tar.gz)/manifests/overlays/aws-single-node
images:
  - name: matrx-sandbox/product
    newName: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/matrx/product
    newTag: 'one'
  - name: matrx-sandbox/sandbox
    newName: registry.example:5000/sandbox
    digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
configurations:
  - image-fields.yaml
generatorOptions:
  disableNameSuffixHash: true
configMapGenerator:
  - name: matrx-config
    namespace: matrx-system
    envs: [config.env]
patches:
  - path: configuration.yaml
    target: { kind: Deployment|DaemonSet, namespace: matrx-system }
END
  grep -qx 'MATRX_S3_BUCKET=workspaces' "$folder/config.env"
  grep -qx 'AWS_REGION=eu-central-1' "$folder/config.env"
  grep -qx 'MATRX_COLD_ROLE_ARN=arn:aws:iam::123456789012:role/matrx-sandbox-dev-workspace' "$folder/config.env"
  # The public half of the key that is in the cluster.
  local public
  public=$(base64 -d "$FAKE/facade-key" | openssl pkey -inform DER -pubout -outform DER | base64 -w 0)
  grep -qx "MATRX_SANDBOXD_KEYS=$public" "$folder/config.env"
  local order
  order=$(grep -o -e 'apply .* -k .*' -e 'wait .*Established' -e 'rollout status [a-z/-]*' -e 'proxy/health' "$FAKE/calls" |
    sed -E 's/ .*(crds|etc.matrx)$/ \1/; s/wait .*/wait/' | tr '\n' ';')
  [[ $order == 'apply crds;wait;apply '*'etc/matrx;rollout status daemonset/matrx-node;rollout status deployment/matrx-controller;rollout status deployment/matrx-facade;proxy/health;' ]]
}

@test "behind a load balancer the facade is told whose word on clients' addresses to take, and otherwise nobody's" {
  succeeds bootstrap
  [[ $(grep -c MATRX_TRUSTED_PROXIES "$ROOT/etc/matrx/config.env") -eq 0 ]]
  local before
  before=$(<"$ROOT/etc/matrx/configuration.yaml")
  given MATRX_TRUSTED_PROXIES 10.80.0.0/25,10.80.0.128/25
  succeeds bootstrap
  grep -qx 'MATRX_TRUSTED_PROXIES=10.80.0.0/25,10.80.0.128/25' "$ROOT/etc/matrx/config.env"
  # The facade starts anew with it.
  [[ $(<"$ROOT/etc/matrx/configuration.yaml") != "$before" ]]
}

# Everything on the host but its logs, with times.
everything() {
  (cd "$ROOT" && find . -type f ! -path './var/log/*' ! -name '*.db*' ! -path './run/*' -printf '%p %m %T@\n' | sort)
}

@test "a second run changes nothing, fetches nothing and restarts nothing [A9.3]" {
  succeeds bootstrap
  local before requests
  before=$(everything)
  requests=$(wc -l <"$BATS_FILE_TMPDIR/requests")
  succeeds bootstrap
  diff <(echo "$before") <(everything)
  [[ $(wc -l <"$BATS_FILE_TMPDIR/requests") -eq $requests ]]
  [[ $(calls 'systemctl restart --no-block k3s') -eq 1 ]]
  [[ $(calls 'aws .* put-') -eq 1 ]]
}

@test "a release can lie in a bucket, below one folder of its own" {
  mkdir -p "$FAKE/bucket/.matrx/releases"
  tar -czf "$FAKE/bucket/.matrx/releases/one.tar.gz" -C "$BATS_FILE_TMPDIR" release
  given MATRX_RELEASE_URL s3://workspaces/.matrx/releases/one.tar.gz
  given MATRX_RELEASE_SHA256 "$(sha256sum <"$FAKE/bucket/.matrx/releases/one.tar.gz" | cut -d ' ' -f 1)"
  succeeds bootstrap
  [[ -d $ROOT/opt/matrx/releases/$(sha256sum <"$FAKE/bucket/.matrx/releases/one.tar.gz" | cut -d ' ' -f 1)/crds ]]
}

@test "an archive that is no release is refused" {
  tar -czf "$DOWNLOADS/other.tar.gz" -C "$BATS_FILE_TMPDIR/release" manifests
  given MATRX_RELEASE_URL "$SERVER_URL/other.tar.gz"
  given MATRX_RELEASE_SHA256 "$(sum_of other.tar.gz)"
  fails bootstrap
  says 'other.tar.gz holds no crds/ and manifests/overlays/aws-single-node/' 'give the archive of a release'
  [[ ! -e $ROOT/etc/matrx/kustomization.yaml ]]
}

@test "without a release there is a cluster, and the next run that has one installs it" {
  local name
  local -A kept
  for name in MATRX_RELEASE_URL MATRX_RELEASE_SHA256 MATRX_PRODUCT_IMAGE MATRX_SANDBOX_IMAGE; do
    kept[$name]=$(sed -n "s/^$name=//p" "$ROOT/etc/matrx-host/bootstrap.env")
    given "$name" ''
  done
  succeeds bootstrap
  [[ $output == *'no release is given yet: MATRX_RELEASE_URL'* ]]
  for name in "${!kept[@]}"; do given "$name" "${kept[$name]}"; done
  succeeds bootstrap
  [[ -f $ROOT/etc/matrx/kustomization.yaml ]]
}

@test "another k3s is fetched and started, after a backup; the one before stays for the way back" {
  succeeds bootstrap
  local first
  first=$(readlink "$ROOT/usr/local/bin/k3s")
  mkdir -p "$DOWNLOADS/v1.37.0+k3s1"
  { cat "$DOWNLOADS/v1.36.4+k3s1/k3s" && echo '# newer'; } >"$DOWNLOADS/v1.37.0+k3s1/k3s"
  given MATRX_K3S_VERSION v1.37.0+k3s1
  given MATRX_K3S_SHA256 "$(sum_of v1.37.0+k3s1/k3s)"
  succeeds bootstrap
  [[ $(readlink "$ROOT/usr/local/bin/k3s") != "$first" && -x $first ]]
  [[ $(calls 'aws .*s3api put-object') -eq 1 ]]
  [[ $(grep -n 's3api put-object' "$FAKE/calls" | tail -n 1 | cut -d : -f 1) -lt \
    $(grep -n 'systemctl restart --no-block k3s' "$FAKE/calls" | tail -n 1 | cut -d : -f 1) ]]
  [[ $(calls 'systemctl restart --no-block k3s') -eq 2 ]]
}

@test "which release runs is the business of roll-outs once one is installed" {
  succeeds bootstrap
  local file=$ROOT/etc/matrx/kustomization.yaml
  cp -r "$ROOT/opt/matrx/releases/$(sum_of release.tar.gz)" "$ROOT/opt/matrx/releases/0123abcd"
  sed -i "s|releases/[0-9a-f]*/|releases/0123abcd/|; s|'one'|two|" "$file"
  cp "$file" "$BATS_TEST_TMPDIR/rolled-out"
  given MATRX_BUCKET other-workspaces
  succeeds bootstrap
  cmp "$file" "$BATS_TEST_TMPDIR/rolled-out"
  grep -qx 'MATRX_S3_BUCKET=other-workspaces' "$ROOT/etc/matrx/config.env"
  [[ $(grep -c 'apply .*-k .*releases/0123abcd/crds' "$FAKE/calls") -eq 1 ]]
  rm -r "$ROOT/opt/matrx/releases/0123abcd"
  fails bootstrap
  says 'releases/0123abcd' 'which is not there' 'move that file away'
}

@test "programs that are missing are installed by the distribution's packages" {
  # A PATH with everything but sqlite3.
  mkdir "$BATS_TEST_TMPDIR/bin"
  local folder
  for folder in /bin /usr/bin /sbin /usr/sbin; do
    find "$folder/" -maxdepth 1 ! -name sqlite3 ! -type d -exec ln -sf -t "$BATS_TEST_TMPDIR/bin" {} +
  done
  local without=$BATS_TEST_DIRNAME/fakes:$BATS_TEST_TMPDIR/bin
  PATH=$without fails bootstrap
  says "step 'packages'" 'dnf install --assumeyes sqlite' 'look whether the host reaches its package repositories'
  printf '#!/bin/sh\nln -s %s %s/sqlite3\n' "$(command -v sqlite3)" "$BATS_TEST_TMPDIR/bin" >"$BATS_TEST_TMPDIR/bin/dnf"
  chmod +x "$BATS_TEST_TMPDIR/bin/dnf"
  PATH=$without succeeds bootstrap
}

@test "a further node joins a server, with its token and without the product" {
  given MATRX_K3S_ROLE agent
  given MATRX_K3S_URL https://10.0.0.10:6443
  fails bootstrap
  says 'the parameter /matrx-sandbox-dev/k3s-token is not there' 'start the server first'
  printf 'the-token-of-the-server' >"$FAKE/parameters/_matrx-sandbox-dev_k3s-token"
  succeeds bootstrap
  grep -qx 'server: https://10.0.0.10:6443' "$ROOT/etc/rancher/k3s/config.yaml"
  grep -qx 'ExecStart=/usr/local/bin/k3s agent' "$ROOT/etc/systemd/system/k3s.service"
  [[ $(<"$ROOT/etc/matrx-host/k3s-token") == the-token-of-the-server ]]
  [[ $(calls k3s) -eq 0 ]]
  [[ $(calls 'systemctl .*matrx-backup') -eq 0 ]]
}

@test "kubelet gets a login for ECR, and for nothing else" {
  local provider=$BOOTSTRAP/matrx-ecr-credentials answer
  answer=$("$provider" <<<'{"kind":"CredentialProviderRequest","image":"123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:c"}')
  [[ $answer == *'"auth":{"123456789012.dkr.ecr.eu-west-1.amazonaws.com":{"username":"AWS","password":"password-of-eu-west-1"}}'* ]]
  python3 -m json.tool <<<"$answer" >/dev/null
  fails "$provider" <<<'{"kind":"CredentialProviderRequest","image":"evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com/a"}'
  says 'not an image of ECR'
}
