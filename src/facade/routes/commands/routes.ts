import { makeDaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import type { Route, UpgradeRoute } from '../../route.ts';
import { execRoute } from './exec.ts';
import { execSocketRoute } from './exec-socket.ts';
import { processRoutes } from './processes.ts';
import { processBytesRoutes } from './process-bytes.ts';
import { processStreamRoutes } from './process-streams.ts';
import { terminalPageRoutes } from './terminal-page.ts';
import { terminalRoute } from './terminal.ts';

/** Commands, processes and terminals in sandboxes. */
export const commandRoutes = (dependencies: FacadeDependencies): readonly Route[] => {
  const withProcesses = { ...dependencies, processes: makeDaemonProcesses(dependencies.daemons) };
  return [
    execRoute(withProcesses),
    ...processRoutes(withProcesses),
    ...processStreamRoutes(withProcesses),
    ...processBytesRoutes(withProcesses),
    ...terminalPageRoutes(),
  ];
};

export const commandUpgradeRoutes = (dependencies: FacadeDependencies): readonly UpgradeRoute[] => {
  const withProcesses = { ...dependencies, processes: makeDaemonProcesses(dependencies.daemons) };
  return [execSocketRoute(withProcesses), terminalRoute(withProcesses)];
};
