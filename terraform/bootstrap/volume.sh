# shellcheck shell=bash
# The data volume: everything that outlives the host. Where there is none, the same folders are on the root disk, and the
# backup is all that a replaced host starts from.

readonly DATA=$ROOT/var/lib/matrx-data
# NAME of the folder on the volume, and where it is mounted: the homes that are not saved yet, the datastore with its keys,
# what the node proves its name with, what is installed, and the releases that it names.
readonly KEPT=(
  'homes /var/lib/matrx'
  'k3s /var/lib/rancher/k3s/server'
  'node /etc/rancher/node'
  'product /etc/matrx'
  'releases /opt/matrx/releases'
)

# EC2's name of the device depends on the instance type.
data_device() {
  local device
  for device in "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${MATRX_DATA_VOLUME/-/}" /dev/sdf /dev/xvdf; do
    if [[ -e $ROOT$device ]]; then
      readlink -f "$ROOT$device"
      return
    fi
  done
  echo "no device of $MATRX_DATA_VOLUME" && return 1
}

mount_data_volume() {
  local entry device uuid kind
  for entry in "${KEPT[@]}"; do mkdir -p "$ROOT${entry#* }"; done
  close_folders
  if [[ -z ${MATRX_DATA_VOLUME:-} ]]; then
    say '   there is none: homes and datastore are on the root disk'
    return
  fi
  wait_for "$MATRX_DATA_VOLUME is not attached" data_device
  device=$(data_device)
  # Blank is what has no signature of any kind: 2 is blkid's word for that. Anything but blank is never formatted.
  local code=0
  kind=$(blkid -p -s TYPE -o value "$device" 2>"$WORK/error") || code=$?
  if [[ $code -eq 2 && -z $kind ]]; then
    say "   $device is blank: formatting it"
    run mkfs.xfs -L matrx-data "$device"
  elif [[ $kind != xfs ]]; then
    fail "$device ($MATRX_DATA_VOLUME) holds '${kind:-something that blkid does not know, code $code}', not xfs; it is not formatted" \
      'look what is on it; a volume of no worth is made blank by wipefs --all'
  fi
  uuid=$(blkid -p -s UUID -o value "$device")
  mount_at "UUID=$uuid" "${DATA#"$ROOT"}" xfs 'defaults,noatime,nofail,x-systemd.device-timeout=300'
  # It may have been enlarged.
  run xfs_growfs "$DATA"
  for entry in "${KEPT[@]}"; do
    mkdir -p "$DATA/${entry%% *}"
    mount_at "${DATA#"$ROOT"}/${entry%% *}" "${entry#* }" none "bind,nofail,x-systemd.requires-mounts-for=${DATA#"$ROOT"}"
  done
  close_folders
}

# Root's alone; of the volume's folders as well as of those that they are mounted on.
close_folders() {
  chmod 700 "$ROOT/etc/matrx" "$ROOT/etc/rancher/node" "$ROOT/var/lib/rancher/k3s/server"
}

# mount_at SOURCE PLACE TYPE OPTIONS: now, and at every boot. nofail: a host without its volume still boots, so that a
# person can look; k3s itself does not start without it (RequiresMountsFor).
mount_at() {
  local fstab=$ROOT/etc/fstab
  touch "$fstab"
  { awk -v place="$2" '$2 != place' "$fstab" && printf '%s %s %s %s 0 0\n' "$1" "$2" "$3" "$4"; } >"$WORK/fstab"
  put "$fstab" 644 <"$WORK/fstab"
  mkdir -p "$ROOT$2"
  mountpoint -q "$ROOT$2" && return
  [[ -z $(ls -A "$ROOT$2") ]] ||
    fail "$2 has files already, which a mount would hide" "move them to the volume, or away; they may be homes or a datastore"
  run mount "$ROOT$2"
  mountpoint -q "$ROOT$2" || fail "$2 is not mounted after mount(8) said so"
}
