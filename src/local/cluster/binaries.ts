import { join } from 'node:path';
import type { GoProgram } from '../go-build.ts';
import type { GoEdit } from '../go-changes.ts';

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

/**
 * What mounts cold storage: rclone with the S3 backend and the mount command alone, and with three functions of our own in
 * place of rclone's (rclone/changes says why).
 */
export const rcloneProgram = (projectRoot: string): GoProgram => ({
  name: 'rclone',
  source: { folder: join(projectRoot, 'rclone') },
  changes: {
    module: 'github.com/rclone/rclone',
    added: ['vfs/flush.go', 'vfs/vfscache/durable.go'],
    edits: [
      edit(
        'vfs/read_write.go',
        'func (fh *RWFileHandle) Flush() error {',
        'func (fh *RWFileHandle) flushSize() error {',
      ),
      edit(
        'vfs/vfscache/item.go',
        'func (item *Item) Sync() (err error) {',
        'func (item *Item) syncInPlace() (err error) {',
      ),
      edit(
        'vfs/vfscache/item.go',
        'func (item *Item) _save() (err error) {',
        'func (item *Item) saveInPlace() (err error) {',
      ),
    ],
  },
  flags: ['-trimpath', '-ldflags', `-s -w -X github.com/rclone/rclone/fs.Version=${RCLONE_VERSION}-matrx`],
});

const edit = (file: string, from: string, to: string): GoEdit => ({ file, from, to });
