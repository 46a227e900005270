/**
 * The native file API of sandboxd.
 *
 * Paths. A file's name is bytes, and need not be UTF-8. A path in a request stands in the query, percent-encoded byte by
 * byte (RFC 3986), whatever the bytes are: `/matrx/files?path=/tmp/a%FFb`. It is absolute, or relative to the home.
 * `.` and `..` are taken away before the kernel sees the path: `link/..` is where `link` stands, not where it leads to.
 * A path in an answer is text; where the bytes are no UTF-8, what is no UTF-8 reads U+FFFD there, and `encodedPath` has
 * the path as it goes into a query.
 */

export type FileKind = 'file' | 'directory' | 'symlink' | 'other';

export interface FileInfo {
  /** Absolute. */
  readonly path: string;
  /** Only where `path` does not say it all: percent-encoded bytes. */
  readonly encodedPath?: string;
  readonly name: string;
  readonly kind: FileKind;
  readonly size: number;
  /** Permission bits, with those for setuid, setgid and sticky, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** RFC 3339 with nanoseconds. */
  readonly modifiedAt: string;
  /** Of a symlink, as text. */
  readonly target?: string;
  /**
   * An HTTP entity tag, quoted, of inode, size, and times of modification and change. Changes whenever the content may
   * have; two writes within one tick of the kernel's clock (some ms), to the same file and of the same size, look like one.
   */
  readonly etag: string;
}

export interface EntriesPage {
  readonly entries: readonly FileInfo[];
  /** What `after` has to be for the rest, percent-encoded; null at the end. */
  readonly next: string | null;
}

/** The most that one page holds. */
export const MAX_PAGE_ENTRIES = 10_000;
export const DEFAULT_PAGE_ENTRIES = 1000;

/**
 * One line of a watch stream.
 *
 * - ready: the first line. What happens from now on is told.
 * - moved: has the old path in `from`. A move in or out of what is watched is `created` or `removed`.
 * - attributes: mode or owner, but not the content.
 * - overflow: more happened than could be told, somewhere below `path`: look anew.
 * - keepalive: nothing happened.
 *
 * What is made and gone again within some 20 ms is not told, and several changes of one file within them are one.
 * The removal of the watched directory itself is the last line.
 */
export interface FileEvent {
  readonly type: 'ready' | 'created' | 'changed' | 'attributes' | 'removed' | 'moved' | 'overflow' | 'keepalive';
  readonly path: string;
  readonly encodedPath?: string;
  readonly from?: string;
  readonly encodedFrom?: string;
}

/*
 * GET, HEAD /matrx/files?path=           the bytes; Range (one), ETag, Last-Modified, If-Match, If-None-Match, If-Range
 * PUT       /matrx/files?path=[&mode=0644][&parents=1]
 *                                        replaces the file atomically by the body: who reads it sees the old content or
 *                                        all of the new. If-Match, If-None-Match: *. Through symlinks. 201 or 200, FileInfo
 * DELETE    /matrx/files?path=[&recursive=1]              204. A symlink goes, not what it leads to
 * GET       /matrx/stat?path=[&follow=0] FileInfo
 * GET       /matrx/entries?path=[&depth=1][&limit=1000][&after=PATH]
 *                                        EntriesPage, a directory before what is in it, names in the order of their bytes.
 *                                        Symlinks below `path` are not followed
 * POST      /matrx/directories?path=[&mode=0755][&parents=1]
 *                                        201 FileInfo; with `parents`, 200 where it is there already
 * POST      /matrx/move?from=&to=[&overwrite=1][&parents=1]
 *                                        200 FileInfo. Between file systems too, but not atomically then
 * GET       /matrx/archive?path=         the directory as a tar stream (pax), names relative to it
 * PUT       /matrx/archive?path=         unpacks the body's tar stream into the directory, which is made if need be;
 *                                        ArchiveResult. Refuses absolute names, `..` and names that lead through symlinks
 *                                        out of the directory; what came before them in the stream is unpacked
 * GET       /matrx/watch?path=[&recursive=1][&keepalive=SECONDS]
 *                                        FileEvent, one a line (NDJSON)
 * GET       /matrx/metrics               DaemonMetrics (metrics.ts)
 * UPGRADE   /matrx/ports/:port           `Upgrade: matrx-tunnel`: 101, and then the bytes of 127.0.0.1:port, or ::1
 */

export interface ArchiveResult {
  readonly entries: number;
}
