import { describe, expect, test } from '@jest/globals';
import type { NodePublishVolumeRequest } from '../../src/node/csi-descriptor.ts';
import { parsePublish } from '../../src/node/publish-request.ts';

const KUBELET = '/var/lib/kubelet';
const TOKENS = 'csi.storage.k8s.io/serviceAccount.tokens';
const tokens = JSON.stringify({ 'workspace.matrx.dev': { token: 'the-token' } });

const aCall = (change: Partial<NodePublishVolumeRequest> = {}): NodePublishVolumeRequest => ({
  volumeId: 'csi-1',
  targetPath: `${KUBELET}/pods/1/volumes/kubernetes.io~csi/home/mount`,
  volumeCapability: { mount: {} },
  readonly: false,
  secrets: { [TOKENS]: tokens },
  volumeContext: { tier: 'hot' },
  ...change,
});

describe('a publish call', () => {
  test('is its volume, its target and the token of our audience', () => {
    expect(parsePublish(aCall(), KUBELET)).toEqual({
      volumeId: 'csi-1',
      target: `${KUBELET}/pods/1/volumes/kubernetes.io~csi/home/mount`,
      tier: 'hot',
      driver: 'rclone',
      token: 'the-token',
      stsToken: undefined,
    });
  });

  test('may carry its token in the context, as before Kubernetes 1.35', () => {
    const call = aCall({ secrets: {}, volumeContext: { tier: 'hot', [TOKENS]: tokens } });
    expect(parsePublish(call, KUBELET).token).toBe('the-token');
  });

  test.each([
    ['without a volume id', { volumeId: '' }, /no volume id/],
    ['without a target', { targetPath: '' }, /target path ""/],
    ['with a target outside kubelet’s folder', { targetPath: '/etc' }, /"\/etc" is not below/],
    ['with a target that climbs out', { targetPath: `${KUBELET}/pods/../../etc` }, /is not below/],
    ['without a capability', { volumeCapability: null }, /no volume capability/],
    ['for a block device', { volumeCapability: { block: {} } }, /block device/],
    ['that is read-only', { readonly: true }, /remove readOnly/],
    ['without a tier', { volumeContext: {} }, /tier is not set: use "hot"/],
    ['for an unknown tier', { volumeContext: { tier: 'lukewarm' } }, /tier is "lukewarm"/],
    ['without a token', { secrets: {} }, /needs tokenRequests/],
    ['with a token for others only', { secrets: { [TOKENS]: '{"sts":{"token":"x"}}' } }, /no pod token for audience/],
  ])('%s is refused', (_name, change, message) => {
    expect(() => parsePublish(aCall(change), KUBELET)).toThrow(message);
  });

  test('with broken tokens is refused without repeating them', () => {
    const call = aCall({ secrets: { [TOKENS]: '{"workspace.matrx.dev":"secret"' } });
    expect(() => parsePublish(call, KUBELET)).toThrow('not the JSON of their format');
    expect(() => parsePublish(call, KUBELET)).not.toThrow('secret');
  });
});
