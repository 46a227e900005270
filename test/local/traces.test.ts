import { expect, it } from '@jest/globals';
import { mountsBelow } from '../../src/local/mounts.ts';
import { parentOf, shimsOf } from '../../src/local/shims.ts';

it('mounts are found below a folder that may be one itself, deepest first and the top one of two at one place first', () => {
  const mountinfo = [
    '28 1 254:0 / / rw - ext4 /dev/vda rw',
    '29 1 254:0 / /var/lib/kubelet rw - ext4 /dev/vdb rw',
    '40 28 254:0 / /var/lib/kubelet/pods/a/volumes/x rw shared:1 - tmpfs tmpfs rw',
    '41 28 254:0 / /var/lib/kubelet/pods/a/volumes/x/deep\\040er rw - fuse rclone rw',
    '42 28 254:0 / /var/lib/kubelet-of-another rw - tmpfs tmpfs rw',
    '43 28 254:0 / /var/lib/kubelet/pods/a/volumes/x rw - ext4 /dev/vda rw',
    '',
  ].join('\n');
  expect(mountsBelow(mountinfo, ['/var/lib/kubelet'])).toEqual([
    '/var/lib/kubelet/pods/a/volumes/x/deep er',
    '/var/lib/kubelet/pods/a/volumes/x',
    '/var/lib/kubelet/pods/a/volumes/x',
  ]);
});

it('shims are those of our containerd alone', () => {
  const shim = (pid: number, socket: string) => ({
    pid,
    argv: ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-id', 'x', '-address', socket],
  });
  const programs = [
    shim(1, '/state/run/containerd.sock'),
    shim(2, '/run/containerd/containerd.sock'),
    { pid: 3, argv: ['less', '/state/run/containerd.sock'] },
  ];
  expect(shimsOf(programs, '/state/run/containerd.sock')).toEqual([1]);
});

it("a process's parent stands behind its name, whatever that holds", () => {
  expect(parentOf('12 (a ) S 99 b) S 7 12 12 0')).toBe(7);
});
