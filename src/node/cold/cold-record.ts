import path from 'node:path';
import { z } from 'zod';
import { ColdDriverName } from '../../api/workspace-cold.ts';
import { GRANT_RECORD } from '../grant-record.ts';
import { epochFolder } from '../home-paths.ts';

/** The journal of a cold volume: all that a fresh driver process needs to go on with it, and no secret. */
export const ColdRecord = z.object({ ...GRANT_RECORD, driver: ColdDriverName.default('rclone') }).readonly();
export type ColdRecord = z.infer<typeof ColdRecord>;

/** Where the cold storage of one epoch of one workspace lies on this node. */
export interface ColdPaths {
  /** The folder of the epoch; the others are in it. */
  readonly root: string;
  /** ColdRecord as JSON. */
  readonly journal: string;
  /** The mount's own, with its cache: what is not uploaded is in it. */
  readonly mount: string;
  /** Where it is mounted to upload what was left when the pod had gone. */
  readonly outbox: string;
}

/** Throws a RangeError as epochFolder does. */
export const coldPaths = (coldDir: string, workspace: string, epoch: number): ColdPaths => {
  const root = epochFolder(coldDir, workspace, epoch);
  return {
    root,
    journal: path.join(root, 'volume.json'),
    mount: path.join(root, 'mount'),
    outbox: path.join(root, 'outbox'),
  };
};

/** The folder of a volume that cold storage is mounted over. */
export const mountPoint = (volume: string): string => path.join(volume, 'cold');
