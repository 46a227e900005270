/** The native file API of sandboxd. Paths are absolute, or relative to the home; query parameters are URL-encoded. */

export type FileKind = 'file' | 'directory' | 'symlink' | 'other';

export interface FileInfo {
  readonly path: string;
  readonly name: string;
  readonly kind: FileKind;
  readonly size: number;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** RFC 3339 with nanoseconds. */
  readonly modifiedAt: string;
  /** Of a symlink. */
  readonly target?: string;
  /** Changes whenever the content may have: an HTTP entity tag, quoted. */
  readonly etag: string;
}

/** One line of a watch stream. `moved` has the old path in `from`. */
export interface FileEvent {
  readonly type: 'created' | 'changed' | 'removed' | 'moved' | 'overflow' | 'keepalive';
  readonly path: string;
  readonly from?: string;
}

/*
 * GET, HEAD /matrx/files?path=           the bytes; Range, ETag, If-None-Match, If-Range
 * PUT       /matrx/files?path=[&mode=0644][&parents=1]    replaces the file atomically by the body; If-Match, If-None-Match: *. FileInfo
 * DELETE    /matrx/files?path=[&recursive=1]
 * GET       /matrx/stat?path=[&follow=0] FileInfo
 * GET       /matrx/entries?path=[&depth=1][&limit=1000][&after=PATH]    { entries: FileInfo[], next: PATH | null }, by path
 * POST      /matrx/directories {path, parents?, mode?}    FileInfo
 * POST      /matrx/move {from, to, overwrite?}            FileInfo
 * GET       /matrx/archive?path=         the directory as a tar stream
 * PUT       /matrx/archive?path=         unpacks the body's tar stream into the directory; { entries }
 * GET       /matrx/watch?path=[&recursive=1]              FileEvent, one a line (NDJSON), the first once the watch stands
 * GET       /matrx/metrics               DaemonMetrics (metrics.ts)
 * UPGRADE   /matrx/ports/:port           `Upgrade: matrx-tunnel`: 101, and then the bytes of 127.0.0.1:port, or ::1
 */
