# shellcheck shell=bash disable=SC2034 # other files read some of it
# One pinned program, its settings, its unit. Not k3s' own installer: that is a script from the network, and it checks the
# program against a list from the same place.

# `make up` pins the same (src/local/cluster/k3s-release.ts); a test holds them together.
readonly K3S_VERSION=v1.36.4+k3s1
declare -rA K3S_SHA256=(
  [x86_64]=835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f
  [aarch64]=c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb
)
readonly LIBRARY=$ROOT/usr/local/lib/matrx
readonly K3S=$ROOT/usr/local/bin/k3s
readonly SERVER=$ROOT/var/lib/rancher/k3s/server
readonly RANCHER=$ROOT/etc/rancher/k3s
readonly CREDENTIALS=$LIBRARY/image-credentials

kubectl() {
  "$K3S" kubectl --kubeconfig "$RANCHER/k3s.yaml" "$@"
}

# protect-kernel-defaults: kubelet does not set these itself, and does not start where they differ.
kernel_settings() {
  put "$ROOT/etc/sysctl.d/90-matrx.conf" 644 <<'END'
vm.overcommit_memory = 1
vm.panic_on_oom = 0
kernel.panic = 10
kernel.panic_on_oops = 1
kernel.keys.root_maxkeys = 1000000
kernel.keys.root_maxbytes = 25000000
# Every sandbox watches files.
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 1048576
END
  put "$ROOT/etc/modules-load.d/matrx.conf" 644 <<'END'
overlay
br_netfilter
fuse
END
  run modprobe --all overlay br_netfilter fuse
  run sysctl --load="$ROOT/etc/sysctl.d/90-matrx.conf"
}

install_k3s() {
  local architecture file version=${MATRX_K3S_VERSION:-$K3S_VERSION} sha256 program
  architecture=$(uname -m)
  [[ -n ${K3S_SHA256[$architecture]:-} ]] ||
    fail "k3s is not pinned for $architecture" 'use an instance type of x86_64 or arm64'
  file=k3s
  [[ $architecture == aarch64 ]] && file=k3s-arm64
  sha256=${MATRX_K3S_SHA256:-${K3S_SHA256[$architecture]}}
  program=$LIBRARY/k3s-${sha256:0:16}
  fetch "${MATRX_K3S_MIRROR:-https://github.com/k3s-io/k3s/releases/download}/${version//+/%2B}/$file" "$program" "$sha256"
  chmod 755 "$program"
  mkdir -p "$(dirname "$K3S")"
  # The program before it stays where it is: the way back needs no network.
  [[ $(readlink "$K3S" || true) == "$program" ]] || {
    ln -sfn "$program" "$K3S.new"
    mv -fT "$K3S.new" "$K3S"
  }
}

configure_k3s() {
  k3s_config >"$WORK/config.yaml"
  put "$RANCHER/config.yaml" 600 <"$WORK/config.yaml"
  k3s_unit >"$WORK/k3s.service"
  put "$ROOT/etc/systemd/system/k3s.service" 644 <"$WORK/k3s.service"
  # kubelet pulls from ECR with the host's role; a login that is written down would be over after 12 hours.
  put "$CREDENTIALS/bin/matrx-ecr-credentials" 755 <"$HERE/matrx-ecr-credentials"
  put "$CREDENTIALS/config.yaml" 644 <<'END'
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: matrx-ecr-credentials
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    matchImages: ['*.dkr.ecr.*.amazonaws.com', '*.dkr.ecr.*.amazonaws.com.cn']
    defaultCacheDuration: 6h
END
  [[ $MATRX_K3S_ROLE == agent ]] && return
  # A namespace that says nothing gets `restricted`; those of the product say what they need.
  put "$RANCHER/admission.yaml" 600 <<'END'
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: PodSecurity
    configuration:
      apiVersion: pod-security.admission.config.k8s.io/v1
      kind: PodSecurityConfiguration
      defaults: { enforce: restricted, enforce-version: latest, audit: restricted, warn: restricted }
      exemptions: { namespaces: [kube-system] }
END
  # Who did what to what; never what was in it, because that can be a Secret.
  put "$RANCHER/audit.yaml" 600 <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version']
  - level: None
    resources: [{ group: coordination.k8s.io, resources: [leases] }]
  - level: None
    users: ['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler']
    verbs: [get, list, watch]
  - level: Metadata
END
}

k3s_config() {
  cat <<END
token-file: $HOST/k3s-token
protect-kernel-defaults: true
kubelet-arg:
  - container-log-max-size=10Mi
  - container-log-max-files=3
  - image-credential-provider-config=$CREDENTIALS/config.yaml
  - image-credential-provider-bin-dir=$CREDENTIALS/bin
END
  # The node keeps its name when its host is replaced: its sandboxes and their homes are found under it. Of several
  # servers each is a node of its own.
  local node_name=${MATRX_NODE_NAME:-}
  if [[ -z $node_name ]] && uses_sqlite; then node_name=$MATRX_NAME; fi
  [[ -z $node_name ]] || printf 'node-name: %s\n' "$node_name"
  if [[ $MATRX_K3S_ROLE == agent ]]; then
    printf 'server: %s\n' "$MATRX_K3S_URL"
    return
  fi
  [[ -z ${MATRX_WORKERS:-} ]] || printf 'agent-token-file: %s\ntls-san: [server.%s.internal]\n' "$AGENT_TOKEN" "$MATRX_NAME"
  cat <<END
write-kubeconfig-mode: '600'
secrets-encryption: true
disable: [traefik, servicelb, metrics-server]
# Three reports that a node has missed: its sandboxes go on elsewhere ten seconds later.
kube-controller-manager-arg: [node-monitor-grace-period=30s]
kube-apiserver-arg:
  - admission-control-config-file=$RANCHER/admission.yaml
  - audit-policy-file=$RANCHER/audit.yaml
  - audit-log-path=$ROOT/var/log/matrx/audit.log
  - audit-log-maxage=30
  - audit-log-maxbackup=10
  - audit-log-maxsize=100
END
  [[ -z ${MATRX_DATASTORE_PARAMETER:-} ]] || printf "datastore-endpoint: '%s'\n" "$(<"$HOST/datastore")"
}

k3s_unit() {
  local places=() entry
  [[ -z ${MATRX_DATA_VOLUME:-} ]] || for entry in "${KEPT[@]}"; do places+=("${entry#* }"); done
  cat <<END
[Unit]
Description=Kubernetes (k3s) of matrx-sandbox
Wants=network-online.target
After=network-online.target
# Without the data volume it would start an empty cluster on the root disk.
RequiresMountsFor=${places[*]}

[Service]
Type=$([[ $MATRX_K3S_ROLE == agent ]] && echo exec || echo notify)
ExecStart=/usr/local/bin/k3s $MATRX_K3S_ROLE
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
END
}

# What k3s last started with, so that a run that ended between writing and restarting is found out.
start_k3s() {
  local applied=$HOST/k3s.applied wanted
  wanted=$({
    readlink "$K3S"
    cat "$ROOT/etc/systemd/system/k3s.service" "$RANCHER/config.yaml" "$CREDENTIALS/config.yaml"
    [[ $MATRX_K3S_ROLE == agent ]] || cat "$RANCHER/admission.yaml" "$RANCHER/audit.yaml"
  } | sha256sum)
  # No waiting for the unit, which has no deadline: wait_for_node has one.
  if [[ -f $applied && $(<"$applied") == "$wanted" ]]; then
    run systemctl start --no-block k3s
    say '   runs with these settings'
    return
  fi
  # Before another release or other settings touch the datastore.
  if uses_sqlite && has_datastore; then backup_datastore; fi
  mkdir -p "$ROOT/var/log/matrx"
  chmod 700 "$ROOT/var/log/matrx"
  run systemctl daemon-reload
  run systemctl enable k3s
  run systemctl restart --no-block k3s
  put "$applied" 600 <<<"$wanted"
}

wait_for_node() {
  if [[ $MATRX_K3S_ROLE == agent ]]; then
    wait_for 'k3s does not run' systemctl is-active --quiet k3s
    return
  fi
  wait_for 'the API server is not ready' kubectl --request-timeout=20s get --raw /readyz
  wait_for 'the node is not ready' node_is_ready
}

# The server's own: a worker that is ready says nothing of it.
node_is_ready() {
  kubectl --request-timeout=20s get nodes --selector=node-role.kubernetes.io/control-plane=true \
    -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}' | grep -qw True
}
