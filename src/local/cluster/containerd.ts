export interface ContainerdFolders {
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly cniConf: string;
  readonly cniBin: string;
}

/**
 * containerd's configuration (version 2 of the format, which 1.4 to 2.x read). It shares nothing with a containerd
 * that the machine may already run.
 *
 * `restrict_oom_score_adj`: where the machine is itself a sandbox it may refuse negative scores, and without this every
 * pod then fails with "can't get final child's PID from pipe: EOF". `netns_mounts_under_state_dir` keeps the pods'
 * network namespaces where `down` finds them.
 */
export const containerdConfig = (folders: ContainerdFolders, pauseImage: string): string => `version = 2
root = ${quote(folders.root)}
state = ${quote(folders.state)}
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = ${quote(folders.socket)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${quote(pauseImage)}
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  max_concurrent_downloads = 4

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${quote(folders.cniBin)}
    conf_dir = ${quote(folders.cniConf)}
`;

/** A TOML basic string; JSON's escapes are a subset of TOML's. */
const quote = (text: string): string => JSON.stringify(text);
