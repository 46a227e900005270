import { join } from 'node:path';
import type { GoProgram } from '../go-build.ts';
import type { GoEdit } from '../go-changes.ts';

/** test/cluster/kube/go.mod requires the same. */
export const KUBERNETES_VERSION = 'v1.36.3';
export const VERSITYGW_VERSION = 'v1.8.0';

/** Every component of a cluster in one binary, from Kubernetes' own Go modules. */
export const kubeProgram = (projectRoot: string): GoProgram => kubernetesProgram(projectRoot, { name: 'kube' });

/** kubectl by itself: in one binary with the components it takes twice the time to begin. */
export const kubectlProgram = (projectRoot: string): GoProgram =>
  kubernetesProgram(projectRoot, { name: 'kubectl', inner: 'kubectl' });

const kubernetesProgram = (
  projectRoot: string,
  { name, inner }: { readonly name: string; readonly inner?: string },
): GoProgram => {
  const version = 'k8s.io/component-base/version';
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(KUBERNETES_VERSION) ?? [];
  const stamps = [`gitVersion=${KUBERNETES_VERSION}`, `gitMajor=${major}`, `gitMinor=${minor}`, 'gitTreeState=clean'];
  const linker = ['-s', '-w', ...stamps.map((stamp) => `-X ${version}.${stamp}`)].join(' ');
  return Object.freeze({
    name,
    source: { folder: join(projectRoot, 'test/cluster/kube'), ...(inner === undefined ? {} : { package: inner }) },
    flags: ['-trimpath', '-tags', 'providerless', '-ldflags', linker],
  });
};

/** kwok v0.7.0 (test/cluster/kwok/go.mod): nodes and kubelets that exist in the API alone. */
export const kwokProgram = (projectRoot: string): GoProgram => ({
  name: 'kwok',
  source: { folder: join(projectRoot, 'test/cluster/kwok') },
  flags: ['-trimpath', '-ldflags', '-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=v0.7.0'],
});

/** An S3 server that keeps objects as plain files. */
export const VERSITYGW: GoProgram = Object.freeze({
  name: 'versitygw',
  source: { module: 'github.com/versity/versitygw/cmd/versitygw', version: VERSITYGW_VERSION },
  flags: ['-trimpath', '-ldflags', '-s -w'],
});

/** rclone/go.mod requires the same. */
export const RCLONE_VERSION = 'v1.76.0';

/**
 * What mounts cold storage: rclone with the S3 backend and the mount command alone, and with functions of our own in
 * place of rclone's (rclone/changes says why).
 */
export const rcloneProgram = (projectRoot: string): GoProgram => ({
  name: 'rclone',
  source: { folder: join(projectRoot, 'rclone') },
  changes: {
    module: 'github.com/rclone/rclone',
    added: [
      'backend/s3/markers.go',
      'vfs/flush.go',
      'vfs/folder.go',
      'vfs/remove.go',
      'vfs/vfscache/durable.go',
      'vfs/vfscache/reload.go',
      'vfs/vfscache/writeback/hold.go',
    ],
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
      ...UPLOADED_EARLIER,
      ...FOLDERS,
      ...HELD_UPLOADS,
      ...REMOVED,
      ...MARKERS,
    ],
  },
  flags: ['-trimpath', '-ldflags', `-s -w -X github.com/rclone/rclone/fs.Version=${RCLONE_VERSION}-matrx`],
});

const edit = (file: string, from: string, to: string): GoEdit => ({ file, from, to });

/** What an earlier process had not uploaded gets its object in the folder once it is: vfs/vfscache/reload.go. */
const UPLOADED_EARLIER: readonly GoEdit[] = [
  edit(
    'vfs/vfscache/item.go',
    'func (item *Item) reload(ctx context.Context) error {',
    'func (item *Item) reloadUntold(ctx context.Context) error {',
  ),
  edit(
    'vfs/vfscache/cache.go',
    'opt *vfscommon.Options, avFn AddVirtualFn) (*Cache, error) {',
    'opt *vfscommon.Options, avFn AddVirtualFn, uploaded UploadedFn) (*Cache, error) {',
  ),
  edit(
    'vfs/vfscache/cache.go',
    '\tavFn       AddVirtualFn         //',
    '\tuploaded UploadedFn\n\tavFn AddVirtualFn //',
  ),
  edit('vfs/vfscache/cache.go', '\t\tavFn:       avFn,', '\t\tavFn: avFn, uploaded: uploaded,'),
  edit(
    'vfs/vfs.go',
    'vfscache.New(ctx, vfs.f, &vfs.Opt, vfs.AddVirtual)',
    'vfscache.New(ctx, vfs.f, &vfs.Opt, vfs.AddVirtual, vfs.uploadedEarlier)',
  ),
];

/** A folder that is read, or moves, while its files are uploaded: vfs/folder.go. */
const FOLDERS: readonly GoEdit[] = [
  edit('vfs/dir.go', '\t"github.com/rclone/rclone/fs/list"\n', ''),
  edit('vfs/dir.go', '\ttv := make(manageVirtuals)\n\td._purgeVirtual()\n', '\ttv := make(manageVirtuals)\n'),
  edit(
    'vfs/dir.go',
    'entries, err := list.DirSorted(d.vfs.ctx, d.f, false, d.path)\n\tif err == fs.ErrorDirNotFound {\n\t\t// We treat',
    'entries, err := d._list()\n\tif err == fs.ErrorDirNotFound {\n\t\t// We treat',
  ),
  edit('vfs/dir.go', 'd.vfs.cache.InUse(f.CachePath()) {', 'd.notUploaded(f) {'),
  edit('vfs/dir.go', '\t// Rename in the cache\n\tif d.vfs.cache', '\tdefer d.readAgain()\n\tif d.vfs.cache'),
];

/** What moves is not uploaded meanwhile: vfs/vfscache/writeback/hold.go. */
const HELD_UPLOADS: readonly GoEdit[] = [
  edit(
    'vfs/dir.go',
    '\t// oldName may only match oldNode with case or unicode normalization\n\toldLeaf :=',
    '\tdefer d.vfs.holdUploads(oldPath, newPath)()\n\toldLeaf :=',
  ),
  edit(
    'vfs/vfscache/writeback/writeback.go',
    '\tuploads int                       // number of uploads in progress\n',
    '\tuploads int\n\theld []*[]string\n',
  ),
  edit(
    'vfs/vfscache/writeback/writeback.go',
    '\t\t// Pop the item, mark as uploading and start the uploader\n',
    '\t\tif wb._isHeld(wbItem.name) {\n\t\t\twb.items._update(wbItem, time.Now().Add(heldFor))\n\t\t\tcontinue\n\t\t}\n',
  ),
];

/** A file that is removed while it is uploaded: vfs/remove.go. */
const REMOVED: readonly GoEdit[] = [
  edit(
    'vfs/file.go',
    '\t// Remove the object from the cache\n\twasWriting := false\n',
    '\tremote := f.CachePath()\n\trelease, cut := d.vfs.holdRemoval(remote)\n\tdefer release()\n\twasWriting := false\n',
  ),
  edit(
    'vfs/file.go',
    '\tif f.o != nil {\n\t\terr = f.o.Remove(f.ctx)\n\t}\n',
    '\terr = f._removeObject(remote, cut)\n',
  ),
  // What is known to be in the bucket has not been removed from it then.
  edit('vfs/file.go', '\t\tif wasWriting {', '\t\tif wasWriting && f.getObject() == nil {'),
];

/** A folder's marker is asked for once: backend/s3/markers.go. */
const MARKERS: readonly GoEdit[] = [
  edit(
    'backend/s3/s3.go',
    '\twarnCompressed sync.Once   // warn once about compressed files\n',
    '\twarnCompressed sync.Once   // warn once about compressed files\n\tmarkers sync.Map\n',
  ),
  edit(
    'backend/s3/s3.go',
    '\t\t_, err := o.headObject(ctx)\n\t\tif err == nil {\n\t\t\treturn nil\n\t\t}\n\n\t\t// Upload it if not',
    '\t\tif f.hasMarker(dir) {\n\t\t\treturn nil\n\t\t}\n\t\t_, err := o.headObject(ctx)\n\t\tif err == nil {\n\t\t\tf.markerSeen(dir)\n\t\t\treturn nil\n\t\t}\n\n\t\t// Upload it if not',
  ),
  edit(
    'backend/s3/s3.go',
    '\t\t// Now check parent directory exists\n',
    '\t\tf.markerSeen(dir)\n\t\t// Now check parent directory exists\n',
  ),
  edit(
    'backend/s3/s3.go',
    '\tbucket, bucketPath := o.split()\n\treq := s3.DeleteObjectInput{',
    '\tdefer o.fs.removing(o.remote)()\n\tbucket, bucketPath := o.split()\n\treq := s3.DeleteObjectInput{',
  ),
];
