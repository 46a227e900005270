/** What is to be mounted where. */
export interface ColdMountSpec {
  readonly bucket: string;
  /** Ends in `/`. */
  readonly prefix: string;
  /** An existing empty folder below a volume's target. */
  readonly target: string;
  /** The mount's own folder on the node's disk; what has not been uploaded is in it. */
  readonly folder: string;
}

/** What has been written and is not in the bucket yet. */
export interface UploadQueue {
  readonly files: number;
  readonly bytes: number;
  /** Files whose last upload has failed. */
  readonly failing: number;
}

/** One running mount. */
export interface ColdMount {
  /** Resolves with the reason when the mount is not usable any more; never rejects. */
  readonly ended: Promise<string>;
  /** Rejects when the mount process does not answer. */
  readonly queue: (signal?: AbortSignal) => Promise<UploadQueue>;
  /** Uploads what is closed at once, instead of after its delay. */
  readonly hurry: (signal?: AbortSignal) => Promise<void>;
  /** Ends the process and takes the mount away, also a dead one. What is not uploaded stays in the folder. */
  readonly unmount: () => Promise<void>;
  /** Stops watching; the mount stays. */
  readonly leave: () => void;
}

/** A program that shows a prefix of a bucket as a folder. */
export interface MountDriver {
  readonly name: string;
  /** How many files in a mount's folder are not in the bucket. Only while nothing is mounted from it. */
  readonly unsent: (folder: string) => Promise<number>;
  /**
   * Mounts, or joins the mount of an earlier driver. Resolves when files can be used; rejects after 30 s, with what the
   * program said, and leaves no mount then. The credentials must be in the folder (./credentials-file.ts).
   */
  readonly mount: (spec: ColdMountSpec, signal: AbortSignal) => Promise<ColdMount>;
}
