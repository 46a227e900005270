import path from 'node:path';
import type { NodeDriverSettings } from '../../../src/node/node-driver.ts';
import { NODE } from './fake-cluster.ts';

/** What a driver in `folder` is told; `kubeletDir` is its own. */
export const driverSettings = (folder: string, kubeletDir: string): NodeDriverSettings => ({
  node: NODE,
  namespace: 'sandboxes',
  systemNamespace: 'matrx-system',
  stateDir: path.join(folder, 'state'),
  coldDir: path.join(folder, 'cold'),
  kubeletDir,
  bucket: 'bucket',
  version: '1.2.3',
  ownerId: 1000,
  rpoMs: 10_000,
  saveWaitMs: 30_000,
  drainMs: 5000,
});
