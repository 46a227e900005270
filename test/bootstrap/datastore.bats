# No record of a sandbox is lost with its host.
load support

@test "a new host starts from the backup: records, keys, token, node's password and what was installed [A9.3]" {
  succeeds bootstrap
  sql "INSERT INTO kine (name, value) VALUES ('/registry/matrx.dev/sandboxes/sandboxes/ann', 'running')"
  sed -i "s/'one'/'rolled-out'/" "$ROOT/etc/matrx/kustomization.yaml"
  succeeds backup
  local old=$ROOT file
  new_host second
  succeeds bootstrap
  [[ $output == *'restored from s3://workspaces/.matrx/host/matrx-sandbox-dev/datastore.tar.gz.enc, revision 2'* ]]
  [[ $(sql "SELECT value FROM kine WHERE name LIKE '%/ann'") == running ]]
  for file in var/lib/rancher/k3s/server/tls/server-ca.key var/lib/rancher/k3s/server/cred/encryption-config.json \
    etc/rancher/node/password etc/matrx-host/k3s-token etc/matrx/kustomization.yaml; do
    cmp "$old/$file" "$ROOT/$file"
    [[ $(stat -c '%a %Y' "$old/$file") == "$(stat -c '%a %Y' "$ROOT/$file")" || $file == *k3s-token ]]
  done
  # Before k3s first ran here.
  [[ $(sql "SELECT count(*) FROM kine WHERE name = '/registry/started'") -eq 2 ]]
  [[ ! -e $(dirname "$(datastore)")/../.restore ]]
}

@test "a datastore that is on the host is never overwritten [A9.3]" {
  succeeds bootstrap
  succeeds backup
  sql "INSERT INTO kine (name) VALUES ('/registry/after-the-backup')"
  rm "$ROOT/etc/matrx-host/k3s.applied"
  succeeds bootstrap
  [[ $output == *'the host has one: nothing is restored'* ]]
  [[ $(sql "SELECT count(*) FROM kine WHERE name = '/registry/after-the-backup'") -eq 1 ]]
}

@test "an older datastore never replaces a newer backup, neither by the timer nor before a start" {
  succeeds bootstrap
  succeeds backup
  local kept
  kept=$(sha256sum <"$FAKE/bucket/$BACKUP")
  sed -i 's/revision=.*/revision=99/' "$FAKE/bucket/$BACKUP.metadata"
  fails backup
  says 'the backup in the bucket has revision 99' "this host's datastore has 1: it was not replaced" 'move s3://workspaces/'
  rm "$ROOT/etc/matrx-host/k3s.applied"
  fails bootstrap
  says "step 'start of k3s'" 'revision 99'
  [[ $(calls 'systemctl restart --no-block k3s') -eq 1 ]]
  [[ $(sha256sum <"$FAKE/bucket/$BACKUP") == "$kept" ]]
}

@test "going back to the backup on purpose is moving the datastore away" {
  succeeds bootstrap
  succeeds backup
  sql "INSERT INTO kine (name) VALUES ('/registry/a-mistake')"
  echo newer >"$ROOT/var/lib/rancher/k3s/server/tls/server-ca.key"
  mv "$(dirname "$(datastore)")" "$ROOT/var/lib/rancher/k3s/server/db.before"
  succeeds bootstrap
  [[ $(sql "SELECT count(*) FROM kine WHERE name = '/registry/a-mistake'") -eq 0 ]]
  [[ $(<"$ROOT/var/lib/rancher/k3s/server/tls/server-ca.key") == 'the key of '* ]]
  [[ $(calls 'systemctl start --no-block k3s') -eq 1 ]]
  [[ -f $ROOT/var/lib/rancher/k3s/server/db.before/state.db ]]
}

@test "a damaged backup starts no cluster; with a sound one the next run goes on [A9.3]" {
  succeeds bootstrap
  succeeds backup
  cp "$FAKE/bucket/$BACKUP" "$FAKE/sound"
  printf 'x' | dd of="$FAKE/bucket/$BACKUP" bs=1 seek=100 conv=notrunc status=none
  new_host second
  fails bootstrap
  says "step 'datastore'" 'does not have the SHA-256 that it states' 'an older version of it can be put back'
  [[ ! -e $(datastore) && ! -e $FAKE/k3s-running ]]
  cp "$FAKE/sound" "$FAKE/bucket/$BACKUP"
  succeeds bootstrap
  [[ $output == *'restored from'* ]]
}

@test "where the bucket cannot be asked for a backup, no cluster is begun" {
  succeeds bootstrap
  succeeds backup
  new_host second
  touch "$FAKE/s3-offline"
  fails bootstrap
  says "step 'datastore'" 'could not be asked for: Could not connect' 'whether there is a backup decides how the cluster starts'
  [[ ! -e $(datastore) && ! -e $FAKE/k3s-running ]]
  rm "$FAKE/s3-offline"
  succeeds bootstrap
  [[ $output == *'restored from'* ]]
}

@test "an interrupted restore is begun again, and no log of another database is left beside it" {
  succeeds bootstrap
  succeeds backup
  new_host second
  local server=$ROOT/var/lib/rancher/k3s/server
  mkdir -p "$server/.restore/content" "$server/tls" "$server/db"
  echo half >"$server/tls/server-ca.key"
  # A log that SQLite would replay.
  python3 - "$BATS_TEST_TMPDIR/other" "$server/db/state.db-wal" <<'END'
import shutil, sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute('PRAGMA journal_mode = WAL')
other.execute('CREATE TABLE kine (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, value BLOB)')
other.execute("INSERT INTO kine (name) VALUES ('/registry/of-another-database')")
shutil.copy(sys.argv[1] + '-wal', sys.argv[2])
END
  echo half >"$server/.restore/content/state.db"
  succeeds bootstrap
  cmp "$server/tls/server-ca.key" "$BATS_TEST_TMPDIR/first/var/lib/rancher/k3s/server/tls/server-ca.key"
  [[ $(sqlite3 "$(datastore)" 'PRAGMA integrity_check') == ok ]]
  [[ $(sql "SELECT count(*) FROM kine WHERE name = '/registry/of-another-database'") -eq 0 ]]
  [[ ! -e $server/.restore ]]
}

@test "without the token there is no new one while a datastore or a backup needs the old [A9.3]" {
  succeeds bootstrap
  succeeds backup
  mv "$FAKE/parameters/_matrx-sandbox-dev_k3s-token" "$FAKE/token"
  new_host second
  fails bootstrap
  says "step 'server token'" 'there is a datastore, or a backup of one' 'is gone' 'put it back'
  [[ ! -e $FAKE/parameters/_matrx-sandbox-dev_k3s-token ]]
  printf 'the-token-of-another-cluster' >"$FAKE/parameters/_matrx-sandbox-dev_k3s-token"
  fails bootstrap
  says 'cannot be read with the token of /matrx-sandbox-dev/k3s-token'
  [[ ! -e $(datastore) ]]
  rm "$ROOT/etc/matrx-host/k3s-token"
  cp "$FAKE/token" "$FAKE/parameters/_matrx-sandbox-dev_k3s-token"
  succeeds bootstrap
}

@test "the backup is encrypted, and carries its checksum and revision in the same object" {
  succeeds bootstrap
  succeeds backup
  local content
  content=$(<"$ROOT/var/lib/rancher/k3s/server/tls/server-ca.key")
  [[ $(head -c 8 "$FAKE/bucket/$BACKUP") == Salted__ ]]
  grep -qaF "$content" "$FAKE/bucket/$BACKUP" && return 1
  grep -qx "sha256=$(sha256sum <"$FAKE/bucket/$BACKUP" | cut -d ' ' -f 1)" "$FAKE/bucket/$BACKUP.metadata"
  grep -qx 'revision=1' "$FAKE/bucket/$BACKUP.metadata"
  openssl enc -d -aes-256-cbc -pbkdf2 -iter 200000 -pass "file:$ROOT/etc/matrx-host/k3s-token" \
    -in "$FAKE/bucket/$BACKUP" | tar -xzO ./tls/server-ca.key | grep -qxF "$content"
}

@test "the copy is of one moment while the datastore is written" {
  succeeds bootstrap
  # Pairs that are always written together.
  python3 - "$(datastore)" "$FAKE" <<'END' 3>&- &
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
number = 0
while not os.path.exists(sys.argv[2] + '/enough') and number < 20000:
    number += 1
    database.execute('BEGIN IMMEDIATE')
    database.execute('INSERT INTO kine (name) VALUES (?)', (f'left-{number}',))
    database.execute('INSERT INTO kine (name) VALUES (?)', (f'right-{number}',))
    database.execute('COMMIT')
    if number == 50:
        open(sys.argv[2] + '/writing', 'w').close()
END
  local writer=$! deadline=$((SECONDS + 20)) copy=$BATS_TEST_TMPDIR/copy
  until [[ -e $FAKE/writing ]]; do
    ((SECONDS < deadline))
    sleep 0.02
  done
  succeeds backup
  touch "$FAKE/enough"
  wait "$writer"
  mkdir "$copy"
  openssl enc -d -aes-256-cbc -pbkdf2 -iter 200000 -pass "file:$ROOT/etc/matrx-host/k3s-token" \
    -in "$FAKE/bucket/$BACKUP" | tar -xz -C "$copy"
  [[ $(sqlite3 "$copy/state.db" "SELECT count(*) > 50 FROM kine WHERE name LIKE 'left-%'") -eq 1 ]]
  [[ $(sqlite3 "$copy/state.db" "SELECT sum(name LIKE 'left-%') = sum(name LIKE 'right-%') FROM kine") -eq 1 ]]
}

@test "a backup that cannot be made says so, and leaves the one before" {
  fails backup
  says "step 'settings'" 'settings.env is not there' 'run matrx-bootstrap first'
  succeeds bootstrap
  succeeds backup
  touch "$FAKE/offline"
  fails backup
  says "step 'backup'" 'could not be asked for' 'Could not connect' 'whether the host reaches S3'
  rm "$FAKE/offline"
  echo 'no database' >"$(datastore)"
  fails backup
  says "step 'backup'" 'VACUUM INTO' 'not a database'
  grep -qx 'revision=1' "$FAKE/bucket/$BACKUP.metadata"
}

@test "with an external datastore, its address is a secret parameter and its backups are its own" {
  given MATRX_DATASTORE_PARAMETER /matrx-sandbox-dev/datastore
  fails bootstrap
  says 'there is no such parameter' 'create it as a SecureString'
  printf 'host=db password=secret' >"$FAKE/parameters/_matrx-sandbox-dev_datastore"
  fails bootstrap
  says 'holds no address that k3s takes' 'postgres://USER:PASSWORD@HOST:5432/k3s'
  [[ $MESSAGE != *secret* ]]
  printf 'postgres://k3s:secret@db.internal:5432/k3s' >"$FAKE/parameters/_matrx-sandbox-dev_datastore"
  succeeds bootstrap
  grep -qx "datastore-endpoint: 'postgres://k3s:secret@db.internal:5432/k3s'" "$ROOT/etc/rancher/k3s/config.yaml"
  grep -q secret "$ROOT/var/log/matrx-bootstrap.log" && return 1
  [[ $(calls 'systemctl .*matrx-backup') -eq 0 ]]
  fails backup
  says 'this host has no SQLite datastore'
}
