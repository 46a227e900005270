# Settings are looked at before anything is done.
load support

# Nothing was asked for, nothing was changed.
untouched() {
  [[ ! -s $FAKE/calls ]] || { cat "$FAKE/calls" && return 1; }
  [[ ! -e $ROOT/etc/rancher && ! -e $ROOT/etc/sysctl.d && ! -e $ROOT/usr ]]
}

@test "each missing setting is named, with why it is needed and what it takes [A9.3]" {
  local name
  for name in MATRX_NAME MATRX_REGION MATRX_BUCKET; do
    new_host "without-$name"
    given "$name" ''
    fails bootstrap
    says "step 'settings'" "$name is not set, and " ': set it to '
    untouched
  done
  new_host joining
  given MATRX_K3S_ROLE agent
  fails bootstrap
  says 'MATRX_K3S_URL is not set, and MATRX_K3S_ROLE is agent: set it to' 'such as https://10.0.0.10:6443'
  untouched
}

@test "each malformed setting is named, with its value and what it must be [A9.3]" {
  local name value
  while read -r name value; do
    new_host "malformed-$name-$RANDOM"
    given "$name" "$value"
    fails bootstrap
    says "$name is '$value': it must be " '; correct it'
    untouched
  done <<'END'
MATRX_NAME Matrx_Sandbox
MATRX_NAME -dev
MATRX_REGION Frankfurt
MATRX_PARAMETER no-slash
MATRX_BUCKET s3://workspaces
MATRX_BUCKET Up
MATRX_WORKSPACE_ROLE_ARN arn:aws:s3:::workspaces
MATRX_DATA_VOLUME /dev/sdf
MATRX_K3S_ROLE master
MATRX_NODE_NAME Worker_0
MATRX_WORKERS 0
MATRX_K3S_VERSION latest
MATRX_K3S_VERSION v1.36.4
MATRX_K3S_SHA256 abc
MATRX_K3S_MIRROR ftp://mirror
MATRX_K3S_MIRROR https://mirror/
MATRX_TOKEN_PARAMETER a b
MATRX_DATASTORE_PARAMETER datastore
MATRX_RELEASE_URL release.tar.gz
MATRX_RELEASE_SHA256 sha256:0
MATRX_PRODUCT_IMAGE product
MATRX_SANDBOX_IMAGE "quoted:tag"
MATRX_TRUSTED_PROXIES 1
MATRX_TRUSTED_PROXIES 10.80.0.0/25,load-balancer
MATRX_LOG_GROUP /matrx/*
MATRX_WAIT_SECONDS 0
MATRX_WAIT_SECONDS ten
END
}

@test "a password in the wrong place is not repeated on the console" {
  given MATRX_DATASTORE_PARAMETER postgres://user:secret@host/k3s
  given DATABASE_URL postgres://user:secret@host/k3s
  echo 'password secret' >>"$ROOT/etc/matrx-host/bootstrap.env"
  fails bootstrap
  says "MATRX_DATASTORE_PARAMETER is 'postgres://…': it must be the name of a parameter" "the key 'DATABASE_URL'" 'is not KEY=VALUE'
  [[ $MESSAGE$output != *secret* ]]
}

@test "all mistakes are told at once" {
  given MATRX_REGION Frankfurt
  given MATRX_BUCKET ''
  given MATRX_WAIT_SECONDS -1
  fails bootstrap
  says '3 settings are wrong' "MATRX_REGION is 'Frankfurt'" 'MATRX_BUCKET is not set' "MATRX_WAIT_SECONDS is '-1'"
}

@test "what belongs together is given together, and what excludes each other is not" {
  given MATRX_K3S_SHA256 ''
  given MATRX_PRODUCT_IMAGE ''
  given MATRX_K3S_URL https://10.0.0.10:6443
  fails bootstrap
  says 'MATRX_K3S_SHA256 is not set, but MATRX_K3S_VERSION is: give both' \
    'MATRX_PRODUCT_IMAGE is not set, but MATRX_RELEASE_URL is' \
    "MATRX_K3S_URL is 'https://10.0.0.10:6443', but MATRX_K3S_ROLE is server"
  new_host joining
  given MATRX_K3S_ROLE agent
  given MATRX_K3S_URL https://10.0.0.10:6443
  given MATRX_DATASTORE_PARAMETER /a/b
  fails bootstrap
  says "MATRX_DATASTORE_PARAMETER is '/a/b', but MATRX_K3S_ROLE is agent" 'remove it'
}

@test "an unknown setting is an error that names its line, and no line is ever run" {
  cat >>"$ROOT/etc/matrx-host/bootstrap.env" <<END
MATRX_BUKCET=workspaces
MATRX_BUCKET=\$(touch $FAKE/run)
export A=b
END
  fails bootstrap
  says "bootstrap.env line 15 has the key 'MATRX_BUKCET', which is not one of the settings" "line 17 has the key 'export A'" \
    "MATRX_BUCKET is '\$(touch "
  [[ ! -e $FAKE/run ]]
}

@test "only files say what holds, not the environment" {
  MATRX_DATA_VOLUME=nonsense MATRX_K3S_ROLE=master succeeds bootstrap
}

@test "without its file of settings it says what to write into it" {
  rm "$ROOT/etc/matrx-host/bootstrap.env"
  fails bootstrap
  says 'bootstrap.env is not there' 'write MATRX_NAME=… and MATRX_REGION=… into it'
}

@test "a parameter's settings win over the file's; without the parameter nothing is guessed" {
  given MATRX_PARAMETER /matrx-sandbox-dev/host
  fails bootstrap
  says "MATRX_PARAMETER is '/matrx-sandbox-dev/host', and there is no such parameter"
  printf '# by Terraform\nMATRX_BUCKET=of-the-parameter\n' >"$FAKE/parameters/_matrx-sandbox-dev_host"
  succeeds bootstrap
  grep -qx MATRX_S3_BUCKET=of-the-parameter "$ROOT/etc/matrx/config.env"
  printf 'MATRX_BUCKET=Wrong\n' >"$FAKE/parameters/_matrx-sandbox-dev_host"
  fails bootstrap
  says "MATRX_BUCKET is 'Wrong'"
}
