import { makeDaemonFiles } from '../../daemon/files.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import type { Route } from '../../route.ts';
import { fileOperationRoutes } from './operations.ts';
import { readRoutes } from './read.ts';
import { watchRoute } from './watch.ts';
import { writeRoutes } from './write.ts';

/** The files of sandboxes. */
export const fileRoutes = (dependencies: FacadeDependencies): readonly Route[] => {
  const withFiles = { ...dependencies, files: makeDaemonFiles(dependencies.daemons) };
  return [
    ...fileOperationRoutes(withFiles),
    ...readRoutes(withFiles),
    ...writeRoutes(withFiles),
    watchRoute(withFiles),
  ];
};
