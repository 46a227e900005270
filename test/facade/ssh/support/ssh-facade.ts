import type { KeyObject } from 'node:crypto';
import { afterEach, expect } from '@jest/globals';
import { systemClock } from '../../../../src/base/clock.ts';
import { makeDaemonProcesses } from '../../../../src/facade/daemon/processes.ts';
import { type SshGatewayPart, sshGatewayPart } from '../../../../src/facade/ssh/gateway-part.ts';
import type { FacadeDependencies } from '../../../../src/facade/dependencies.ts';
import { deriveHostKey, publicKeyLine } from '../../../../src/facade/ssh/openssh-key.ts';
import { eventually } from '../../../support/eventually.ts';
import type { TestDaemon } from '../../../sandboxd/support/daemon.ts';
import { startDaemonFacade, startFacadeOf } from '../../support/daemon-facade.ts';
import { FACADE_KEY, type TestFacade } from '../../support/facade.ts';

export interface Access {
  readonly id: string;
  readonly private_key: string | null;
  readonly username: string;
  readonly host: string;
  readonly port: number;
  readonly ssh_command: string;
  readonly known_hosts: string;
  readonly fingerprint: string;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface SshFacade {
  readonly facade: TestFacade;
  readonly daemon: TestDaemon;
  readonly gateway: SshGatewayPart;
  readonly port: number;
  /** Gives out a key to the sandbox `demo`. */
  readonly access: (body?: object) => Promise<Access>;
  /** Done after the test in any case: no connection is left that its client has closed. */
  readonly stop: () => Promise<void>;
}

const running = new Set<SshFacade>();

afterEach(async () => {
  for (const one of running) await one.stop();
});

/** A facade with its SSH gateway, in real time, whose sandbox `demo` is the real daemon on this machine. */
export const startSshFacade = async (more: Partial<FacadeDependencies> = {}): Promise<SshFacade> => {
  // The gateway is told where it is before it listens: the port is known once it does.
  const ssh = { host: undefined, port: 0, hostKey: publicKeyLine(deriveHostKey(FACADE_KEY)) };
  const { facade, daemon } = await startDaemonFacade({ ssh }, more);
  return withGateway(facade, daemon, ssh);
};

/** Another replica, with the same Sandbox at the same daemon, and a store of its own. */
export const startSshReplica = async ({ daemon }: SshFacade): Promise<SshFacade> => {
  const ssh = { host: undefined, port: 0, hostKey: publicKeyLine(deriveHostKey(FACADE_KEY)) };
  return withGateway(await startFacadeOf(daemon, { ssh }), daemon, ssh);
};

const withGateway = async (facade: TestFacade, daemon: TestDaemon, address: { port: number }): Promise<SshFacade> => {
  const gateway = await startGateway(facade);
  address.port = gateway.address().port;
  const one: SshFacade = {
    facade,
    daemon,
    gateway,
    port: address.port,
    access: async (body) => {
      const { status, body: answer } = await facade.request('/sandboxes/demo/access', {
        method: 'POST',
        ...(body === undefined ? {} : { body }),
      });
      expect({ status, answer }).toMatchObject({ status: 200 });
      return answer as Access;
    },
    stop: async () => {
      if (!running.delete(one)) return;
      await eventually(() => gateway.connections() === 0);
      await gateway.stop();
    },
  };
  running.add(one);
  return one;
};

/** A gateway alone, in front of what a facade has; the test stops it. */
export const startGateway = async (facade: TestFacade, hostKey?: KeyObject): Promise<SshGatewayPart> => {
  const { dependencies } = facade;
  const gateway = sshGatewayPart({
    ...dependencies,
    clock: systemClock,
    processes: makeDaemonProcesses(dependencies.daemons),
    host: '127.0.0.1',
    port: 0,
    hostKey: hostKey ?? deriveHostKey(FACADE_KEY),
    drainMs: 0,
  });
  await gateway.start({ signal: new AbortController().signal, fail: () => undefined });
  return gateway;
};
