import path from 'node:path';

/** Where one epoch of one workspace lies on this node. */
export interface HomePaths {
  /** The folder of the epoch; the others are in it. */
  readonly root: string;
  /** The user's files, mounted into the sandbox. */
  readonly home: string;
  /** The engine's own. */
  readonly state: string;
  /** The engine's own, for the final conflict (./session-work.ts). */
  readonly lateState: string;
  /** SessionRecord as JSON. */
  readonly journal: string;
}

export const homesDir = (stateDir: string): string => path.join(stateDir, 'homes');

/** Below homesDir, because a rename cannot leave a mount (./mounts.ts); no workspace name starts with a dot. */
export const trashDir = (stateDir: string): string => path.join(homesDir(stateDir), '.trash');

// Workspace names are DNS subdomains: the API server checks it, and nothing else may become a path.
const WORKSPACE_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Throws a RangeError for a name or epoch that no Workspace can have. */
export const epochFolder = (parent: string, workspace: string, epoch: number): string => {
  if (!WORKSPACE_NAME.test(workspace) || !Number.isSafeInteger(epoch) || epoch < 1) {
    throw new RangeError(`epoch ${epoch} of workspace ${JSON.stringify(workspace)} cannot be a folder`);
  }
  return path.join(parent, workspace, String(epoch));
};

/** Throws a RangeError as epochFolder does. */
export const homePaths = (stateDir: string, workspace: string, epoch: number): HomePaths => {
  const root = epochFolder(homesDir(stateDir), workspace, epoch);
  return {
    root,
    home: path.join(root, 'home'),
    state: path.join(root, 'state'),
    lateState: path.join(root, 'late-state'),
    journal: path.join(root, 'session.json'),
  };
};
