import { describe, expect, it } from '@jest/globals';
import { loadFacadeConfig } from '../../src/config/facade.ts';
import { ConfigError } from '../../src/config/load.ts';
import type { TrustedProxies } from '../../src/config/trusted-proxies.ts';
import { trustedProxies } from '../../src/config/trusted-proxies.ts';
import { clientIpOf } from '../../src/facade/client-ip.ts';

const parse = (text: string): TrustedProxies => trustedProxies.parse(text);
const ip = (remoteAddress: string | undefined, forwarded: string | undefined, trusted: TrustedProxies): string =>
  clientIpOf(
    { socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } },
    trusted,
  );

describe('the address of a client', () => {
  it.each([
    ['the other end, where nobody is trusted', '10.1.1.1', '1.2.3.4', '0', '10.1.1.1'],
    ['the other end, where there is no header', '10.1.1.1', undefined, '1', '10.1.1.1'],
    ['whom the one proxy was asked by', '10.1.1.1', '6.6.6.6, 1.2.3.4', '1', '1.2.3.4'],
    ['whom the outer of two proxies was asked by', '10.1.1.1', '6.6.6.6, 1.2.3.4, 10.1.1.2', '2', '1.2.3.4'],
    ['the first there is, where there are fewer proxies than said', '10.1.1.1', '1.2.3.4', '3', '1.2.3.4'],
    ['the last before the trusted networks', '10.1.1.1', '6.6.6.6, 1.2.3.4, 10.9.9.9', '10.0.0.0/8', '1.2.3.4'],
    ['the other end, which is not in the networks', '192.0.2.1', '1.2.3.4', '10.0.0.0/8', '192.0.2.1'],
    ['the outermost, where all are trusted', '10.1.1.1', '10.1.1.3, 10.1.1.2', '10.0.0.0/8', '10.1.1.3'],
    ['a single address that is trusted', '10.1.1.1', '1.2.3.4', '10.1.1.1', '1.2.3.4'],
    ['IPv6', 'fd00::1', '2001:DB8::5', 'fd00::/8', '2001:db8::5'],
    ['IPv4, also as IPv6 writes it', '::ffff:10.1.1.1', '::ffff:1.2.3.4', '10.0.0.0/8', '1.2.3.4'],
    ['without a port', '10.1.1.1', '1.2.3.4:5678', '1', '1.2.3.4'],
    ['without brackets and a port', '10.1.1.1', '[2001:db8::5]:5678', '1', '2001:db8::5'],
    ['the proxy, which will not say', '10.1.1.1', '1.2.3.4, unknown', '2', '10.1.1.1'],
    ['the proxy, before nonsense', '10.1.1.1', "1.2.3.4, '; drop", '2', '10.1.1.1'],
    ['unknown, once the connection is gone', undefined, '1.2.3.4', '10.0.0.0/8', ''],
  ])('is %s', (_what, peer, forwarded, trusted, expected) => {
    expect(ip(peer, forwarded, parse(trusted))).toBe(expected);
  });
});

describe('MATRX_TRUSTED_PROXIES', () => {
  it.each(['1', '10.0.0.0/8', '10.0.0.0/8, 192.168.0.0/16,fd00::/8', '192.0.2.1'])('takes %s', (text) => {
    expect(parse(text).kind).toBe(text === '1' ? 'count' : 'networks');
  });

  it.each([
    '-1',
    '100',
    'true',
    '*',
    '10.0.0.0/33',
    '10.0.0.0/',
    '0.0.0.0/0',
    'fe80::1%eth0',
    '10.0.0.0/8/8',
    '10.0.0.0/8,',
  ])('refuses %j and says what it takes', (text) => {
    const load = () => loadFacadeConfig({ MATRX_TRUSTED_PROXIES: text });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/MATRX_TRUSTED_PROXIES is .*: takes how many proxies .* is neither/);
  });
});
