# shellcheck shell=bash
# The settings: KEY=VALUE lines, never run as shell. From /etc/matrx-host/bootstrap.env, and from the parameter that it
# names in MATRX_PARAMETER, which wins.

HOST=$ROOT/etc/matrx-host
SETTINGS=()
declare -A PATTERN TAKES

setting() {
  SETTINGS+=("$1")
  PATTERN[$1]=$2
  TAKES[$1]=$3
  # Only files say what holds, not the environment of whoever runs this.
  printf -v "$1" ''
}

readonly IMAGE='^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$'
readonly PARAMETER_NAME='^/[A-Za-z0-9_./-]{1,500}$'
setting MATRX_NAME '^[a-z][a-z0-9-]{0,40}[a-z0-9]$' "the installation's name, as Terraform builds it: matrx-sandbox-dev"
setting MATRX_REGION '^[a-z]{2}(-[a-z]+)+-[0-9]$' 'a region, such as us-east-1'
setting MATRX_PARAMETER "$PARAMETER_NAME" 'the name of a parameter with further settings, such as /matrx-sandbox-dev/host'
setting MATRX_BUCKET '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' 'the name of the bucket of the workspaces'
setting MATRX_WORKSPACE_ROLE_ARN '^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$' 'the ARN of the workspace role'
setting MATRX_DATA_VOLUME '^vol-[0-9a-f]{8,17}$' 'the id of an EBS volume, such as vol-0123456789abcdef0'
setting MATRX_K3S_ROLE '^(server|agent)$' 'server, or agent for a node that joins one'
setting MATRX_K3S_URL '^https://[A-Za-z0-9.-]+:[0-9]+$' "the server's address, such as https://10.0.0.10:6443"
setting MATRX_NODE_NAME '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' 'the name of this node in the cluster, such as matrx-sandbox-dev-worker-0'
setting MATRX_WORKERS '^[1-9][0-9]?$' 'how many workers join this server'
setting MATRX_K3S_VERSION '^v[0-9]+\.[0-9]+\.[0-9]+\+k3s[0-9]+$' 'a release of k3s, such as v1.36.4+k3s1'
setting MATRX_K3S_SHA256 '^[0-9a-f]{64}$' "64 hexadecimal digits: the program's line in the release's sha256sum-….txt"
setting MATRX_K3S_MIRROR '^https?://[^[:space:]]+[^/[:space:]]$' 'an address without a slash at its end, below which VERSION/k3s lies'
setting MATRX_TOKEN_PARAMETER "$PARAMETER_NAME" 'the name of a parameter, such as /matrx-sandbox-dev/k3s-token'
setting MATRX_DATASTORE_PARAMETER "$PARAMETER_NAME" 'the name of a parameter that holds the address of an external datastore'
setting MATRX_RELEASE_URL '^(https?|s3)://[^[:space:]]+$' 'https://… or s3://BUCKET/KEY of an archive with crds/ and manifests/'
setting MATRX_RELEASE_SHA256 '^[0-9a-f]{64}$' '64 hexadecimal digits: what sha256sum prints for the archive'
setting MATRX_PRODUCT_IMAGE "$IMAGE" 'an image with its tag or digest: REPOSITORY:TAG'
setting MATRX_SANDBOX_IMAGE "$IMAGE" 'an image with its tag or digest: REPOSITORY:TAG'
setting MATRX_TRUSTED_PROXIES '^[0-9]+(\.[0-9]+){3}(/[0-9]+)?(,[0-9]+(\.[0-9]+){3}(/[0-9]+)?)*$' 'networks of the proxies before the API, such as 10.80.0.0/25,10.80.0.128/25'
setting MATRX_LOG_GROUP '^/?[A-Za-z0-9_.#-][A-Za-z0-9_./#-]{0,510}$' 'the name of a log group of CloudWatch, such as /matrx/sandbox/matrx-sandbox-dev'
setting MATRX_WAIT_SECONDS '^[1-9][0-9]{0,3}$' 'whole seconds from 1 to 9999'

PROBLEMS=()
problem() {
  PROBLEMS+=("$1")
}

# read_settings FILE NAME: takes over its lines. NAME is what messages call it.
read_settings() {
  local line number=0 name
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
    name=${line%%=*}
    # Never the value: it may be a secret in the wrong place.
    if [[ $line != *=* ]]; then
      problem "$2 line $number is not KEY=VALUE: correct or remove it"
      continue
    fi
    if [[ -z ${PATTERN[$name]:-} ]]; then
      problem "$2 line $number has the key '$name', which is not one of the settings: correct the key, or remove the line"
      continue
    fi
    printf -v "$name" '%s' "${line#*=}"
  done <"$1"
}

# Each value against its form, then what belongs together.
validate_settings() {
  local name shown
  for name in "${SETTINGS[@]}"; do
    [[ -z ${!name:-} || ${!name} =~ ${PATTERN[$name]} ]] && continue
    shown=${!name}
    # An address with a password, where a parameter's name belongs.
    [[ $shown != *://*@* ]] || shown="${shown%%://*}://…"
    problem "$name is '$shown': it must be ${TAKES[$name]}; correct it"
  done
  needed MATRX_NAME 'every host has one'
  needed MATRX_REGION 'every host has one'
  MATRX_K3S_ROLE=${MATRX_K3S_ROLE:-server}
  if [[ $MATRX_K3S_ROLE == agent ]]; then
    needed MATRX_K3S_URL 'MATRX_K3S_ROLE is agent'
    unwanted MATRX_DATASTORE_PARAMETER 'MATRX_K3S_ROLE is agent, and only servers speak to the datastore'
    unwanted MATRX_WORKERS 'MATRX_K3S_ROLE is agent, and workers join servers'
  else
    needed MATRX_BUCKET 'MATRX_K3S_ROLE is server'
    unwanted MATRX_K3S_URL 'MATRX_K3S_ROLE is server; servers join by MATRX_DATASTORE_PARAMETER, agents by MATRX_K3S_URL'
  fi
  together MATRX_K3S_VERSION MATRX_K3S_SHA256
  together MATRX_RELEASE_URL MATRX_RELEASE_SHA256 MATRX_PRODUCT_IMAGE MATRX_SANDBOX_IMAGE
  MATRX_TOKEN_PARAMETER=${MATRX_TOKEN_PARAMETER:-/${MATRX_NAME:-}/k3s-token}
  MATRX_WAIT_SECONDS=${MATRX_WAIT_SECONDS:-600}
  [[ ${#PROBLEMS[@]} -eq 0 ]] || {
    for name in "${PROBLEMS[@]}"; do say "   $name" >&2; done
    fail "${#PROBLEMS[@]} settings are wrong: ${PROBLEMS[0]}"
  }
}

needed() {
  [[ -n ${!1:-} ]] || problem "$1 is not set, and $2: set it to ${TAKES[$1]}"
}

unwanted() {
  [[ -z ${!1:-} ]] || problem "$1 is '${!1}', but $2: remove it"
}

together() {
  local name given=() missing=()
  for name in "$@"; do
    if [[ -n ${!name:-} ]]; then given+=("$name"); else missing+=("$name"); fi
  done
  [[ ${#given[@]} -eq 0 ]] && return
  for name in "${missing[@]}"; do
    problem "$name is not set, but ${given[0]} is: give both; it must be ${TAKES[$name]}"
  done
}

# aws on the right region, without a pager.
cloud() {
  AWS_PAGER='' aws --region "$MATRX_REGION" --cli-connect-timeout 10 --cli-read-timeout 60 "$@"
}

# parameter NAME FILE: its value into FILE, which exists only with the whole value in it. Returns 1 if there is none.
parameter() {
  local code=0
  (umask 077 && cloud ssm get-parameter --name "$1" --with-decryption --query Parameter.Value --output text \
    >"$2.new" 2>"$WORK/error") || code=$?
  if [[ $code -eq 0 ]]; then
    mv -f "$2.new" "$2"
    return 0
  fi
  rm -f "$2.new"
  grep -q ParameterNotFound "$WORK/error" && return 1
  fail "the parameter $1 could not be read: $(tail -n 2 "$WORK/error" | tr '\n' ' ')" \
    "look whether the host reaches Systems Manager and its role may read $1"
}

load_settings() {
  local file=$HOST/bootstrap.env
  [[ -f $file ]] || fail "$file is not there" "write MATRX_NAME=… and MATRX_REGION=… into it (docs/host.md)"
  read_settings "$file" "$file"
  if [[ $MATRX_PARAMETER =~ ${PATTERN[MATRX_PARAMETER]} && $MATRX_REGION =~ ${PATTERN[MATRX_REGION]} ]]; then
    parameter "$MATRX_PARAMETER" "$WORK/parameter" ||
      fail "MATRX_PARAMETER is '$MATRX_PARAMETER', and there is no such parameter" "create it, or remove that line from $file"
    read_settings "$WORK/parameter" "parameter $MATRX_PARAMETER"
  fi
  validate_settings
  # For the backup, which must not depend on Systems Manager.
  local name
  for name in "${SETTINGS[@]}"; do
    [[ -z ${!name:-} ]] || printf '%s=%s\n' "$name" "${!name}"
  done >"$WORK/settings.env"
  put "$HOST/settings.env" 600 <"$WORK/settings.env"
}
