import { join } from 'node:path';
import type { GoProgram } from '../go-build.ts';

/** test/cluster/kube/go.mod requires the same. */
export const KUBERNETES_VERSION = 'v1.36.3';
export const VERSITYGW_VERSION = 'v1.8.0';

/** Every Kubernetes component in one binary, from Kubernetes' own Go modules. */
export const kubeProgram = (projectRoot: string): GoProgram => {
  const version = 'k8s.io/component-base/version';
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(KUBERNETES_VERSION) ?? [];
  const stamps = [`gitVersion=${KUBERNETES_VERSION}`, `gitMajor=${major}`, `gitMinor=${minor}`, 'gitTreeState=clean'];
  const linker = ['-s', '-w', ...stamps.map((stamp) => `-X ${version}.${stamp}`)].join(' ');
  return Object.freeze({
    name: 'kube',
    source: { folder: join(projectRoot, 'test/cluster/kube') },
    flags: ['-trimpath', '-tags', 'providerless', '-ldflags', linker],
  });
};

/** An S3 server that keeps objects as plain files. */
export const VERSITYGW: GoProgram = Object.freeze({
  name: 'versitygw',
  source: { module: 'github.com/versity/versitygw/cmd/versitygw', version: VERSITYGW_VERSION },
  flags: ['-trimpath', '-ldflags', '-s -w'],
});

/** rclone/go.mod requires the same. */
export const RCLONE_VERSION = 'v1.76.0';

/** What mounts cold storage: rclone with the S3 backend and the mount command alone. */
export const rcloneProgram = (projectRoot: string): GoProgram => ({
  name: 'rclone',
  source: { folder: join(projectRoot, 'rclone') },
  flags: ['-trimpath', '-ldflags', `-s -w -X github.com/rclone/rclone/fs.Version=${RCLONE_VERSION}`],
});
