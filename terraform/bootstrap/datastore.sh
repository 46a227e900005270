# shellcheck shell=bash
# The datastore is what the cluster knows: every Sandbox and Workspace. On one server it is an SQLite file on the data
# volume, and a copy of it is in the bucket for the day on which the volume is lost.
#
# A copy of the file alone would be worth nothing: k3s reads its own certificates and the key of its Secrets with the
# server token, and takes a node back only with the node's password. So the token is kept in Systems Manager, before k3s
# first starts; and the rest goes into the copy, which is encrypted with the token, because with it anybody is the cluster's
# administrator.
#
# The copy is one object, replaced by one PUT: there is no moment without a whole one. It carries its SHA-256 and the
# datastore's revision, a number that only grows: a copy never replaces a newer one, whichever host is confused.

readonly TOKEN=$HOST/k3s-token
readonly AGENT_TOKEN=$HOST/k3s-agent-token

uses_sqlite() {
  [[ $MATRX_K3S_ROLE == server && -z ${MATRX_DATASTORE_PARAMETER:-} ]]
}

has_datastore() {
  [[ -f $SERVER/db/state.db ]]
}

backup_key() {
  echo ".matrx/host/$MATRX_NAME/datastore.tar.gz.enc"
}

# Whether there is a copy in the bucket. By its list: for an object that is not there, S3 answers "forbidden" to a role that
# may not list all of the bucket. And in no subshell: what cannot be asked must not look like "there is none".
has_backup() {
  local code=0 count
  count=$(cloud s3api list-objects-v2 --bucket "$MATRX_BUCKET" --prefix "$(backup_key)" --no-paginate \
    --query KeyCount --output text 2>"$WORK/error") || code=$?
  [[ $code -eq 0 && $count =~ ^[0-9]+$ ]] ||
    fail "s3://$MATRX_BUCKET/$(backup_key) could not be asked for: $(tail -n 2 "$WORK/error" | tr '\n' ' ')" \
      'look whether the host reaches S3 and its role may list .matrx/host/: whether there is a backup decides how the cluster starts'
  ((count > 0))
}

# A token is made once for an installation, and never again while something needs the old one.
ensure_token() {
  if [[ -s $TOKEN ]]; then
    say '   the host has it'
    return
  fi
  if ! parameter "$MATRX_TOKEN_PARAMETER" "$TOKEN"; then
    [[ $MATRX_K3S_ROLE == server ]] ||
      fail "the parameter $MATRX_TOKEN_PARAMETER is not there" 'start the server first: it makes the token'
    if uses_sqlite && { has_datastore || has_backup; }; then
      fail "there is a datastore, or a backup of one, but the parameter $MATRX_TOKEN_PARAMETER that it needs is gone" \
        "put it back; on the data volume it is the last part of $SERVER/token, after ::server:"
    fi
    make_token "$MATRX_TOKEN_PARAMETER" "$TOKEN"
  fi
  check_token "$MATRX_TOKEN_PARAMETER" "$TOKEN"
}

# Workers join with a token of their own: with the server's, each of them were the cluster's administrator.
ensure_agent_token() {
  [[ -n ${MATRX_WORKERS:-} ]] || return 0
  local name=/$MATRX_NAME/k3s-agent-token
  [[ -s $AGENT_TOKEN ]] || parameter "$name" "$AGENT_TOKEN" || make_token "$name" "$AGENT_TOKEN"
  check_token "$name" "$AGENT_TOKEN"
}

# make_token PARAMETER FILE
make_token() {
  (umask 077 && openssl rand -hex 32 | tr -d '\n' >"$WORK/token")
  # A server that starts at the same moment may be first. What the parameter holds then is the token of both.
  cloud ssm put-parameter --name "$1" --type SecureString --no-overwrite \
    --value "file://$WORK/token" >>"$LOG" 2>"$WORK/error" ||
    grep -q ParameterAlreadyExists "$WORK/error" ||
    fail "the parameter $1 could not be made: $(tail -n 2 "$WORK/error" | tr '\n' ' ')"
  parameter "$1" "$2" || fail "the parameter $1 is gone as soon as it was made"
  say "   made: $1"
}

# check_token PARAMETER FILE
check_token() {
  [[ $(<"$2") =~ ^[[:graph:]]{16,}$ ]] || {
    rm -f "$2"
    fail "the parameter $1 does not hold a token: 16 or more characters without spaces" 'put it back'
  }
}

# The address of an external datastore has a password in it, so it is no setting but a parameter of its own.
ensure_datastore_address() {
  [[ -n ${MATRX_DATASTORE_PARAMETER:-} ]] || return 0
  parameter "$MATRX_DATASTORE_PARAMETER" "$HOST/datastore" ||
    fail "MATRX_DATASTORE_PARAMETER is '$MATRX_DATASTORE_PARAMETER', and there is no such parameter" 'create it as a SecureString'
  [[ $(<"$HOST/datastore") =~ ^(postgres|mysql|https?|nats)://[^[:space:]\']+$ ]] ||
    fail "the parameter $MATRX_DATASTORE_PARAMETER holds no address that k3s takes" \
      'it must be one line such as postgres://USER:PASSWORD@HOST:5432/k3s, without quotes'
}

# The newest state that can be had. Where a datastore is on the host, that is it: nothing in the bucket is newer, or the
# next backup says so. The database comes last: as long as it is missing, an interrupted run begins again.
restore_datastore() {
  if ! uses_sqlite; then
    say '   not here: the external datastore has its own backups'
    return
  fi
  if has_datastore; then
    say '   the host has one: nothing is restored'
    return
  fi
  if ! has_backup; then
    say '   there is no backup: a new cluster'
    return
  fi
  local stage=$SERVER/.restore code=0 sha256
  rm -rf "$stage"
  (umask 077 && mkdir -p "$stage/content")
  sha256=$(cloud s3api get-object --bucket "$MATRX_BUCKET" --key "$(backup_key)" \
    --query Metadata.sha256 --output text "$stage/archive" 2>"$WORK/error") || code=$?
  [[ $code -eq 0 ]] || fail "the backup could not be fetched: $(tail -n 2 "$WORK/error" | tr '\n' ' ')"
  has_sha256 "$stage/archive" "$sha256" ||
    fail "s3://$MATRX_BUCKET/$(backup_key) does not have the SHA-256 that it states ($sha256)"
  openssl enc -d -aes-256-cbc -pbkdf2 -iter 200000 -pass "file:$TOKEN" -in "$stage/archive" -out "$stage/tar" \
    2>>"$LOG" || fail "the backup cannot be read with the token of $MATRX_TOKEN_PARAMETER: it is another cluster's"
  run tar -xzpf "$stage/tar" -C "$stage/content"
  check_database "$stage/content/state.db"
  local revision part
  revision=$(revision_of "$stage/content/state.db")
  run sync -f "$stage"
  rm -rf "$SERVER/db"
  (umask 077 && mkdir -p "$SERVER/db")
  for part in tls cred; do
    rm -rf "${SERVER:?}/$part"
    [[ ! -d $stage/content/$part ]] || mv "$stage/content/$part" "$SERVER/$part"
  done
  for part in "${RESTORED[@]}"; do
    cp -a "$stage/content/${part%% *}/." "$ROOT${part#* }/"
  done
  run sync -f "$SERVER"
  mv "$stage/content/state.db" "$SERVER/db/state.db"
  run sync -f "$SERVER"
  rm -rf "$stage"
  say "   restored from s3://$MATRX_BUCKET/$(backup_key), revision $revision"
}

# Beside the datastore and its keys: the node's password, what is installed, and the releases that it names.
readonly RESTORED=('node /etc/rancher/node' 'product /etc/matrx' 'releases /opt/matrx/releases')

# What a failed one left is removed by the next.
backup_datastore() {
  local stage=$SERVER/.backup part revision newest sha256
  exec 6>>"$ROOT/run/matrx-backup.lock"
  flock --wait 300 6 || fail 'another backup has been under way for five minutes' 'systemctl status matrx-backup.service'
  rm -rf "$stage"
  (umask 077 && mkdir -p "$stage/content")
  # One read transaction on the running database: a copy of one moment, and k3s goes on writing.
  run sqlite3 -cmd '.timeout 30000' "$SERVER/db/state.db" "VACUUM INTO '$stage/content/state.db'"
  check_database "$stage/content/state.db"
  revision=$(revision_of "$stage/content/state.db")
  # SQLite leaves its log to the page cache. What a backup has seen must not be lost to a power cut here, or a host
  # that comes back would be older than its backup.
  run sync -f "$SERVER/db"
  # After the database: a key that one of its rows needs is there by now.
  for part in tls cred; do
    [[ ! -d $SERVER/$part ]] || cp -a "$SERVER/$part" "$stage/content/"
  done
  for part in "${RESTORED[@]}"; do
    mkdir -p "$stage/content/${part%% *}"
    [[ ! -d $ROOT${part#* } ]] || cp -a "$ROOT${part#* }/." "$stage/content/${part%% *}/"
  done
  run tar -czf "$stage/tar" -C "$stage/content" .
  run openssl enc -aes-256-cbc -pbkdf2 -iter 200000 -salt -pass "file:$TOKEN" -in "$stage/tar" -out "$stage/archive"
  sha256=$(sha256sum <"$stage/archive")
  sha256=${sha256%% *}
  if has_backup; then
    newest=$(cloud s3api head-object --bucket "$MATRX_BUCKET" --key "$(backup_key)" --query Metadata.revision --output text)
    [[ $newest =~ ^[0-9]+$ ]] || fail "the backup in the bucket says no revision: $newest" \
      "it is not one of this program's: move s3://$MATRX_BUCKET/$(backup_key) away"
    ((newest <= revision)) ||
      fail "the backup in the bucket has revision $newest, this host's datastore has $revision: it was not replaced" \
        "this host's datastore is not the newest. To go on from the backup: stop k3s, move $SERVER/db away and run matrx-bootstrap; to go on from here: move s3://$MATRX_BUCKET/$(backup_key) away"
  fi
  run cloud s3api put-object --bucket "$MATRX_BUCKET" --key "$(backup_key)" --body "$stage/archive" \
    --metadata "sha256=$sha256,revision=$revision,host=$(uname -n)"
  rm -rf "$stage"
  exec 6>&-
  say "   backed up revision $revision: $sha256"
}

# Its log is written in order, so the highest id is how far it has come.
revision_of() {
  sqlite3 -readonly "$1" 'SELECT ifnull(max(id), 0) FROM kine'
}

check_database() {
  local verdict
  verdict=$(sqlite3 -readonly "$1" 'PRAGMA quick_check' 2>&1) || true
  [[ $verdict == ok ]] ||
    fail "the copy of the datastore is damaged: ${verdict:0:200}" \
      'take an older version of the backup (docs/host.md), or look at the disk'
}

schedule_backups() {
  uses_sqlite || return 0
  put "$ROOT/etc/systemd/system/matrx-backup.service" 644 <<END
[Unit]
Description=Copy of the datastore into the bucket
After=network-online.target k3s.service
RequiresMountsFor=/var/lib/rancher/k3s/server

[Service]
Type=oneshot
ExecStart=/usr/local/lib/matrx/bootstrap/matrx-backup
TimeoutStartSec=10min
END
  put "$ROOT/etc/systemd/system/matrx-backup.timer" 644 <<'END'
[Unit]
Description=Copy of the datastore into the bucket, every five minutes

[Timer]
OnBootSec=2min
OnUnitInactiveSec=5min

[Install]
WantedBy=timers.target
END
  run systemctl daemon-reload
  run systemctl enable --now matrx-backup.timer
}
