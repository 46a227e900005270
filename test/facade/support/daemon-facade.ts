import { systemClock } from '../../../src/base/clock.ts';
import { makeDaemonConnections } from '../../../src/facade/daemon/connections.ts';
import { makePatientConnections } from '../../../src/facade/daemon/patience.ts';
import type { FacadeDependencies, FacadeSettings } from '../../../src/facade/dependencies.ts';
import { POD_UID, startDaemon, type TestDaemon } from '../../sandboxd/support/daemon.ts';
import { aSandbox } from '../../support/resources.ts';
import { FACADE_KEY, FACADE_PUBLIC_KEY, startFacade, type TestFacade } from './facade.ts';
import { ready } from './statuses.ts';

export interface DaemonFacade {
  readonly facade: TestFacade;
  readonly daemon: TestDaemon;
}

/** A facade in real time with a Sandbox `demo` whose daemon is the real one, on this machine. */
export const startDaemonFacade = async (
  settings: Partial<FacadeSettings> = {},
  more: Partial<FacadeDependencies> = {},
): Promise<DaemonFacade> => {
  const daemon = await startDaemon({ keys: [FACADE_PUBLIC_KEY] });
  return { daemon, facade: await startFacadeOf(daemon, settings, more) };
};

/** Another replica. */
export const startFacadeOf = async (
  daemon: Pick<TestDaemon, 'port'>,
  settings: Partial<FacadeSettings> = {},
  more: Partial<FacadeDependencies> = {},
): Promise<TestFacade> => {
  const connections = makeDaemonConnections({ privateKey: FACADE_KEY, clock: systemClock, port: daemon.port });
  const daemons = makePatientConnections(connections, systemClock);
  const facade = await startFacade(settings, undefined, { daemons, clock: systemClock, ...more });
  facade.cluster.add(
    aSandbox()
      .status(ready('pod-1', { podIP: '127.0.0.1', podUid: POD_UID }))
      .build(),
  );
  return facade;
};
