import { expect, test } from '@jest/globals';
import { deriveHostKey, publicKeyLine } from '../../src/facade/ssh/openssh-key.ts';
import { POD_UID } from '../sandboxd/support/daemon.ts';
import { aSandbox } from '../support/resources.ts';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { API_KEY, FACADE_KEY } from './support/facade.ts';
import { notReady, ready } from './support/statuses.ts';

/** A Sandbox that is ready, as kubectl and other replicas know, while this replica's watch has not heard of it. */
const startBehind = async () => {
  const ssh = { host: undefined, port: 22, hostKey: publicKeyLine(deriveHostKey(FACADE_KEY)) };
  const { facade } = await startDaemonFacade({ ssh });
  const { cluster } = facade;
  cluster.add(
    aSandbox('late')
      .status(notReady('PodStarting', 'it starts', { podName: 'pod-2' }))
      .build(),
  );
  cluster.lag();
  cluster.setStatus('late', ready('pod-2', { podIP: '127.0.0.1', podUid: POD_UID }));
  return facade;
};

test('a replica whose watch is behind runs commands in a sandbox that has just become ready [F21]', async () => {
  const facade = await startBehind();
  const answer = await facade.request('/sandboxes/late/exec', { body: { command: 'echo ran' } });
  expect(answer).toMatchObject({ status: 200, body: { exit_code: 0, stdout: 'ran' } });
});

test('it takes files for it', async () => {
  const facade = await startBehind();
  const answer = await fetch(`${facade.url}/sandboxes/late/files/~/f`, {
    method: 'PUT',
    body: 'x',
    headers: { 'X-API-Key': API_KEY },
  });
  expect(answer.status).toBe(201);
});

test('it gives out SSH keys for it', async () => {
  const facade = await startBehind();
  expect(await facade.request('/sandboxes/late/access', { method: 'POST' })).toMatchObject({ status: 200 });
});

test('what the API server does not call ready either is refused', async () => {
  const facade = await startBehind();
  facade.cluster.setStatus('late', notReady('PodStarting', 'it starts', { podName: 'pod-2' }));
  expect(await facade.request('/sandboxes/late/exec', { body: { command: 'true' } })).toMatchObject({ status: 409 });
});
