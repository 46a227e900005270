#!/usr/bin/env bash
# A machine in the machine: a process tree with a network, mounts, process ids and control groups of its own, and with
# folders of its own where a node keeps its state. What runs in it sees no other cluster, and all of it ends with its
# first process, as at a power failure. It reaches nothing but what sockets in FOLDER lead to.
#
#   machine.sh start FOLDER     in the foreground; FOLDER/up is there once it stands
#   machine.sh enter FOLDER -- COMMAND...
#   machine.sh remove FOLDER    after its end: what is left of its control groups
set -euo pipefail

action=$1 folder=$2
name=$(basename "$(dirname "$folder")")-$(basename "$folder")
# Below these every cluster on a Linux machine keeps its state: kubelet, the homes, `up`, the CNI library.
state=(kubelet matrx matrx-local cni)

# Mount point and options of each hierarchy (proc(5), mountinfo: the fields behind the dash are type, source, options).
hierarchies() {
  awk '{ for (i = 7; $i != "-"; i++); if ($(i + 1) == "cgroup") print $5, $(i + 3) }' /proc/self/mountinfo
}

has_one_hierarchy() {
  [[ -f /sys/fs/cgroup/cgroup.controllers ]]
}

join_groups() {
  local point options
  if has_one_hierarchy; then
    mkdir -p "/sys/fs/cgroup/$name"
    echo $$ >"/sys/fs/cgroup/$name/cgroup.procs"
  fi
  while read -r point options; do
    mkdir -p "$point/$name"
    # A new group has neither processors nor memory, and takes no process before it has.
    for file in cpuset.cpus cpuset.mems; do
      [[ ! -f $point/$file ]] || cat "$point/$file" >"$point/$name/$file"
    done
    echo $$ >"$point/$name/cgroup.procs"
  done < <(hierarchies)
}

# Run as the first process of the new machine, whose view of the control groups begins at its own.
first_process() {
  local all point options part
  all=$(hierarchies)
  mount -t sysfs sysfs /sys
  if [[ -z $all ]]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    # Controllers go on to child groups only from a group without processes.
    mkdir -p /sys/fs/cgroup/machine
    echo 1 >/sys/fs/cgroup/machine/cgroup.procs
    sed 's/\(^\| \)/\1+/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
  else
    mount -t tmpfs tmpfs /sys/fs/cgroup
    while read -r point options; do
      mkdir -p "$point"
      mount -t cgroup -o "${options#rw,}" cgroup "$point"
    done <<<"$all"
  fi
  mount -t tmpfs tmpfs /run
  for part in "${state[@]}"; do
    mkdir -p "$folder/$part" "/var/lib/$part"
    mount --bind "$folder/$part" "/var/lib/$part"
  done
  ip link set lo up
  # What leads nowhere is still a way out, without which the kernel does not even look at a Service's address.
  ip link add uplink type bridge
  ip address add 192.0.2.2/24 dev uplink
  ip link set uplink up
  ip route add default via 192.0.2.1
  touch "$folder/up"
  # Bash takes in what its children leave behind, as an init process has to.
  while :; do
    sleep infinity &
    wait
  done
}

case $action in
  start)
    echo $$ >"$folder/pid"
    join_groups
    exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc --net --cgroup --uts --ipc \
      bash "$0" first "$folder"
    ;;
  first)
    first_process
    ;;
  enter)
    # The first process of the machine is the only child of the one that `start` has become.
    pid=$(<"$folder/pid")
    first=$(<"/proc/$pid/task/$pid/children")
    shift 3
    # shellcheck disable=SC2016 # expanded inside
    exec nsenter --target "${first%% *}" --all -- bash -euc '
      groups=(/sys/fs/cgroup/machine)
      [[ -d ${groups[0]} ]] || groups=(/sys/fs/cgroup/*)
      for group in "${groups[@]}"; do echo $$ >"$group/cgroup.procs"; done
      exec "$@"' bash "$@"
    ;;
  remove)
    { hierarchies | cut -d " " -f 1; echo /sys/fs/cgroup; } | while read -r point; do
      [[ ! -d $point/$name ]] || find "$point/$name" -depth -type d -exec rmdir {} +
    done
    ;;
esac
