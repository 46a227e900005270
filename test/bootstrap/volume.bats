# The data volume outlives the host.
load support

attach() {
  given MATRX_DATA_VOLUME vol-0123456789abcdef0
  mkdir -p "$ROOT/dev/disk/by-id"
  touch "$ROOT/dev/nvme1n1"
  ln -sfn ../../nvme1n1 "$ROOT/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"
}

@test "a blank volume is formatted once, and mounted for everything that outlives the host" {
  attach
  succeeds bootstrap
  succeeds bootstrap
  [[ $(calls mkfs.xfs) -eq 1 ]]
  [[ $(calls "mkfs.xfs -L matrx-data $ROOT/dev/nvme1n1") -eq 1 ]]
  local place
  for place in /var/lib/matrx /var/lib/rancher/k3s/server /etc/rancher/node /etc/matrx /opt/matrx/releases; do
    [[ $(calls "mount $ROOT$place$") -eq 1 ]]
    grep -q " $place none bind,nofail,x-systemd.requires-mounts-for=/var/lib/matrx-data 0 0" "$ROOT/etc/fstab"
    grep -q "^RequiresMountsFor=.*$place" "$ROOT/etc/systemd/system/k3s.service"
  done
  [[ $(wc -l <"$ROOT/etc/fstab") -eq 6 ]]
  [[ -f $FAKE/volume/k3s/db/state.db && -f $FAKE/volume/node/password && -f $FAKE/volume/product/kustomization.yaml ]]
}

@test "a replaced host goes on with the volume: no record is lost, not even those after the last backup [A9.3]" {
  attach
  succeeds bootstrap
  succeeds backup
  sql "INSERT INTO kine (name) VALUES ('/registry/after-the-backup')"
  echo unsaved >"$FAKE/volume/homes/note.txt"
  sed -i "s/'one'/'rolled-out'/" "$ROOT/etc/matrx/kustomization.yaml"
  local password
  password=$(<"$ROOT/etc/rancher/node/password")
  new_host second
  attach
  succeeds bootstrap
  [[ $(calls mkfs.xfs) -eq 1 ]]
  [[ $output == *'the host has one: nothing is restored'* ]]
  [[ $(sql "SELECT count(*) FROM kine WHERE name = '/registry/after-the-backup'") -eq 1 ]]
  [[ $(<"$ROOT/var/lib/matrx/note.txt") == unsaved ]]
  [[ $(<"$ROOT/etc/rancher/node/password") == "$password" ]]
  grep -q rolled-out "$ROOT/etc/matrx/kustomization.yaml"
}

@test "a volume that holds something else is never formatted" {
  attach
  echo ext4 >"$FAKE/volume-type"
  fails bootstrap
  says "step 'data volume'" "(vol-0123456789abcdef0) holds 'ext4', not xfs; it is not formatted" 'wipefs --all'
  [[ $(calls mkfs.xfs) -eq 0 && $(calls systemctl) -eq 0 ]]
}

@test "a volume that is not attached is waited for, and nothing starts without it" {
  given MATRX_DATA_VOLUME vol-0123456789abcdef0
  given MATRX_WAIT_SECONDS 1
  fails bootstrap
  says 'vol-0123456789abcdef0 is not attached after 1 s' 'attach the volume to this host'
  [[ $(calls systemctl) -eq 0 && ! -e $(datastore) ]]
  attach
  succeeds bootstrap
}

@test "files on the root disk are not hidden by a mount" {
  succeeds bootstrap
  attach
  fails bootstrap
  says 'has files already, which a mount would hide' 'move them to the volume'
  [[ -f $(datastore) ]]
}
