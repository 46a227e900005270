import { describe, expect, it } from '@jest/globals';
import { signatureHeaders, signingKey } from '../../../src/facade/webhooks/signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('a webhook’s signature', () => {
  it('is the one of the Standard Webhooks scheme', () => {
    const key = signingKey(SECRET) ?? new Uint8Array();
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
    expect(signatureHeaders(message, [key])).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is one for each key, while a key is changed', () => {
    const keys = [SECRET, `whsec_${Buffer.alloc(32, 7).toString('base64')}`].map(
      (text) => signingKey(text) as Uint8Array,
    );
    const signature = signatureHeaders({ id: 'a', timestamp: 1, body: '' }, keys)['webhook-signature'] ?? '';
    expect(signature.split(' ')).toHaveLength(2);
    expect(new Set(signature.split(' ')).size).toBe(2);
  });

  it.each([
    ['no prefix', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['too short', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['no base64', 'whsec_!!!'],
    ['nothing', ''],
  ])('takes no key with %s', (_what, text) => {
    expect(signingKey(text)).toBeUndefined();
  });
});
