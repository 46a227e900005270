/** One line of /proc/self/mountinfo, as far as it is read. */
export interface MountEntry {
  readonly mountPoint: string;
  /** Per-mount options: `rw`, `nosuid`, `nodev`, … */
  readonly options: readonly string[];
}

/** proc(5): octal escapes stand for space, tab, newline and backslash. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Parses mountinfo. Later lines lie over earlier ones of the same mount point. */
export const parseMountInfo = (text: string): readonly MountEntry[] =>
  text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const [mountPoint, options] = [fields[4], fields[5]];
    return mountPoint === undefined || options === undefined
      ? []
      : [{ mountPoint: unescape(mountPoint), options: options.split(',') }];
  });

export const findMount = (table: readonly MountEntry[], mountPoint: string): MountEntry | undefined =>
  table.findLast((entry) => entry.mountPoint === mountPoint);
