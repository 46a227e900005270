import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { allowedAddresses, isPublic, type Lookup } from '../../../src/facade/webhooks/target.ts';

const answering =
  (...addresses: readonly string[]): Lookup =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
const never: Lookup = () => Promise.reject(new Error('no name was to be looked up'));

describe('an address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '2606:4700::1111', '2a00:1450:4001::1'])(
    'that is public: %s',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );

  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:169.254.169.254',
    '::ffff:8.8.8.8',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001::1',
    'fe80::1',
    'fd00:ec2::254',
    'ff02::1',
    'localhost',
    '',
  ])('that is not: %j', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  it('of IPv6 is never public where it stands for an address of IPv4', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPublic(`::ffff:${address}`)).toBe(false);
      }),
    );
  });
});

describe('a target', () => {
  it('is taken with https and public addresses, those that were looked up', async () => {
    expect(await allowedAddresses(new URL('https://hooks.example.com/x'), [], answering('1.1.1.1', '2606::1'))).toEqual(
      [
        { address: '1.1.1.1', family: 4 },
        { address: '2606::1', family: 6 },
      ],
    );
  });

  it.each([
    ['http', 'http://hooks.example.com/', ['1.1.1.1'], /use https/],
    ['a private address', 'https://hooks.example.com/', ['10.0.0.1'], /is 10\.0\.0\.1, which is no public address/],
    ['one private address among public ones', 'https://hooks.example.com/', ['1.1.1.1', '127.0.0.1'], /127\.0\.0\.1/],
    ['no address', 'https://hooks.example.com/', [], /no address/],
  ])('is refused with %s', async (_what, url, addresses, message) => {
    await expect(allowedAddresses(new URL(url), [], answering(...addresses))).rejects.toThrow(message);
  });

  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://017700000001/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00:ec2::254]/latest',
  ])('is refused however an address is written: %s', async (url) => {
    await expect(allowedAddresses(new URL(url), [], never)).rejects.toThrow(/no public address/);
  });

  it('is taken as it is where its host is listed, with or without its port', async () => {
    const lookup = answering('10.0.0.1');
    expect(await allowedAddresses(new URL('http://hooks.internal:8080/'), ['hooks.internal'], lookup)).toHaveLength(1);
    expect(
      await allowedAddresses(new URL('http://hooks.internal:8080/'), ['hooks.internal:8080'], lookup),
    ).toHaveLength(1);
    await expect(
      allowedAddresses(new URL('http://hooks.internal:9090/'), ['hooks.internal:8080'], lookup),
    ).rejects.toThrow(/use https/);
    await expect(
      allowedAddresses(new URL('https://evil.hooks.internal/'), ['hooks.internal'], lookup),
    ).rejects.toThrow();
  });
});
