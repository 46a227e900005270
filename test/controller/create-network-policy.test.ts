import { describe, expect, test } from '@jest/globals';
import { createNetworkPolicy } from '../../src/controller/create-network-policy.ts';
import { egressPolicy } from '../../src/domain/allow-list.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { KubeError, type KubeErrorReason } from '../../src/kube/errors.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';

const { policy } = egressPolicy(
  aSandbox().build(),
  aTemplate('closed', { network: { egress: 'AllowList', allowList: [{ cidr: '203.0.113.0/24' }] } }),
  undefined,
)!;

const created = (answer: () => Promise<unknown>) =>
  createNetworkPolicy({ create: answer as KubeClient['create'] }, 'sandboxes', policy, new AbortController().signal);
const failing = (reason: KubeErrorReason) => () => Promise.reject(new KubeError(reason, 'the server says so'));

describe('the policy of an allow-list', () => {
  test('is made, or is there already from an attempt whose answer never came', async () => {
    expect(await created(() => Promise.resolve(policy))).toBeUndefined();
    expect(await created(failing('AlreadyExists'))).toBeUndefined();
  });

  test('that the API server will not have is told as what keeps the pod away', async () => {
    for (const reason of ['Forbidden', 'Invalid', 'BadRequest'] as const) {
      expect(await created(failing(reason))).toEqual({
        reason: 'PodRefused',
        message: "the NetworkPolicy of its template's allow-list: the server says so",
      });
    }
  });

  test('is tried again where the server has no answer', async () => {
    await expect(created(failing('Unreachable'))).rejects.toMatchObject({ reason: 'Unreachable' });
  });
});
