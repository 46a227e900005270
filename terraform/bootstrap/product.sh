# shellcheck shell=bash
# The product, by kustomize. /etc/matrx/kustomization.yaml is written once; which release and which images it names is
# from then on the business of roll-outs. What follows from the host's settings is in the files that it names.

readonly PRODUCT=$ROOT/etc/matrx
readonly RELEASES=$ROOT/opt/matrx/releases
readonly OVERLAYS=manifests/overlays
readonly WORKLOADS=(daemonset/matrx-node deployment/matrx-controller deployment/matrx-facade)

install_product() {
  if [[ $MATRX_K3S_ROLE == agent ]]; then
    say '   comes from the server'
    return
  fi
  if [[ ! -f $PRODUCT/kustomization.yaml && -z ${MATRX_RELEASE_URL:-} ]]; then
    say '   no release is given yet: MATRX_RELEASE_URL and its three companions'
    return
  fi
  (umask 077 && mkdir -p "$PRODUCT")
  exec 8>>"$PRODUCT/roll-out.lock"
  flock --nonblock 8 || fail "a roll-out is under way: it holds $PRODUCT/roll-out.lock" 'wait until it has ended'
  [[ -f $PRODUCT/kustomization.yaml ]] || first_release
  local release
  release=$(installed_release)
  [[ -d $release/crds ]] ||
    fail "$PRODUCT/kustomization.yaml names the release '$release', which is not there" \
      "move that file away, and the release of MATRX_RELEASE_URL is installed"
  [[ -d $release/$(overlay) ]] ||
    fail "the release $release has no $(overlay), which MATRX_WORKERS needs" 'roll out a newer one, or take the setting away'
  choose_overlay
  put "$PRODUCT/image-fields.yaml" 600 <"$release/manifests/base/image-fields.yaml"
  apply -f "$release/manifests/base/namespaces.yaml"
  ensure_facade_key
  write_configuration
  apply -k "$release/crds"
  run kubectl wait --for=condition=Established --timeout=60s \
    crd/sandboxes.matrx.dev crd/workspaces.matrx.dev crd/sandboxtemplates.matrx.dev
  apply -k "$PRODUCT"
  wait_for_product
  say "   $(basename "$release") runs and is healthy"
}

apply() {
  run kubectl apply --server-side --force-conflicts --field-manager=matrx "$@"
}

overlay() {
  if [[ -n ${MATRX_WORKERS:-} ]]; then echo "$OVERLAYS/aws-multi-node"; else echo "$OVERLAYS/aws-single-node"; fi
}

# Whether there are workers is the host's business, unlike the release: roll-outs keep the overlay that they find.
choose_overlay() {
  sed "s|^\( *- .*/\)$OVERLAYS/aws-[a-z]*-node\$|\1$(overlay)|" "$PRODUCT/kustomization.yaml" >"$WORK/kustomization.yaml"
  put "$PRODUCT/kustomization.yaml" 600 <"$WORK/kustomization.yaml"
}

# As an absolute path.
installed_release() {
  local path
  path=$(sed -n "s|^ *- \(.*\)/$OVERLAYS/aws-[a-z]*-node\$|\1|p" "$PRODUCT/kustomization.yaml" | head -n 1)
  (cd "$PRODUCT" && realpath -m "$path")
}

first_release() {
  local archive=$RELEASES/$MATRX_RELEASE_SHA256.tar.gz folder=$RELEASES/$MATRX_RELEASE_SHA256 top
  if [[ ! -d $folder ]]; then
    fetch "$MATRX_RELEASE_URL" "$archive" "$MATRX_RELEASE_SHA256"
    rm -rf "$folder.new"
    mkdir -p "$folder.new"
    run tar -xzf "$archive" -C "$folder.new" --no-same-owner
    top=$(find "$folder.new" -maxdepth 2 -name crds -type d | head -n 1)
    top=${top%/crds}
    [[ -n $top && -d $top/$(overlay) ]] ||
      fail "$MATRX_RELEASE_URL holds no crds/ and $(overlay)/" 'give the archive of a release (docs/host.md)'
    mv -T "$top" "$folder"
    rm -rf "$folder.new" "$archive"
  fi
  put "$PRODUCT/kustomization.yaml" 600 <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# kustomize takes no absolute path.
resources:
  - $(realpath -m --relative-to="$PRODUCT" "$folder")/$(overlay)
images:
$(image_entry matrx-sandbox/product "$MATRX_PRODUCT_IMAGE")
$(image_entry matrx-sandbox/sandbox "$MATRX_SANDBOX_IMAGE")
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
}

image_entry() {
  printf '  - name: %s\n' "$1"
  if [[ $2 == *@* ]]; then
    printf '    newName: %s\n    digest: %s' "${2%@*}" "${2#*@}"
  else
    printf "    newName: %s\n    newTag: '%s'" "${2%:*}" "${2##*:}"
  fi
}

# The key that sandboxes know the facade by. It is in the cluster alone, so it is as old as the datastore.
ensure_facade_key() {
  local kept
  kept=$(facade_key)
  if [[ -z $kept ]]; then
    (umask 077 && openssl genpkey -algorithm ed25519 -outform DER | base64 -w 0 >"$WORK/facade-key")
    run kubectl create -f - <<END
apiVersion: v1
kind: Secret
metadata: { name: matrx-facade-key, namespace: matrx-system }
stringData: { MATRX_FACADE_KEY: $(<"$WORK/facade-key") }
END
    kept=$(facade_key)
  fi
  FACADE_PUBLIC_KEY=$(base64 -d <<<"$kept" | base64 -d | openssl pkey -inform DER -pubout -outform DER | base64 -w 0)
}

facade_key() {
  kubectl -n matrx-system get secret matrx-facade-key --ignore-not-found -o 'jsonpath={.data.MATRX_FACADE_KEY}'
}

# Pods read it only when they start, so its hash is in their template: a change rolls them.
write_configuration() {
  local hash
  {
    printf 'MATRX_S3_BUCKET=%s\nAWS_REGION=%s\n' "$MATRX_BUCKET" "$MATRX_REGION"
    printf 'MATRX_FACADE_URL=http://matrx-facade.matrx-system\nMATRX_SANDBOXD_KEYS=%s\n' "$FACADE_PUBLIC_KEY"
    if [[ -n ${MATRX_WORKSPACE_ROLE_ARN:-} ]]; then
      printf 'MATRX_COLD_PROVIDER=assume-role\nMATRX_COLD_ROLE_ARN=%s\n' "$MATRX_WORKSPACE_ROLE_ARN"
    fi
    [[ -z ${MATRX_TRUSTED_PROXIES:-} ]] || printf 'MATRX_TRUSTED_PROXIES=%s\n' "$MATRX_TRUSTED_PROXIES"
  } >"$WORK/config.env"
  put "$PRODUCT/config.env" 600 <"$WORK/config.env"
  hash=$(sha256sum <"$WORK/config.env")
  put "$PRODUCT/configuration.yaml" 600 <<END
apiVersion: apps/v1
kind: Deployment
metadata: { name: any }
spec: { template: { metadata: { annotations: { matrx.dev/configuration: '${hash:0:16}' } } } }
END
}

wait_for_product() {
  local workload
  for workload in "${WORKLOADS[@]}"; do
    kubectl -n matrx-system rollout status "$workload" --timeout="${MATRX_WAIT_SECONDS}s" >"$WORK/output" 2>&1 || {
      {
        cat "$WORK/output"
        kubectl -n matrx-system get pods -o wide
        kubectl -n matrx-system get events --sort-by=.lastTimestamp | tail -n 20
      } >>"$LOG" 2>&1 || true
      fail "$workload is not ready after $MATRX_WAIT_SECONDS s: $(tail -n 2 "$WORK/output" | tr '\n' ' ')"
    }
  done
  wait_for 'the API does not answer /health' kubectl --request-timeout=20s \
    get --raw /api/v1/namespaces/matrx-system/services/matrx-facade:http/proxy/health
}
