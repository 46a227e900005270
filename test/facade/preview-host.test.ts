import { describe, expect, test } from '@jest/globals';
import { previewHost, readPreviewHost } from '../../src/facade/ports/preview-host.ts';

const DOMAIN = 'preview.example.com';

describe('the host of a preview', () => {
  test.each([
    ['3000-sbx-0123456789ab.preview.example.com', 3000, 'sbx-0123456789ab'],
    ['3000-SBX-1.Preview.Example.COM:8443', 3000, 'sbx-1'],
    ['80-demo.preview.example.com.', 80, 'demo'],
    ['65535-a.preview.example.com', 65_535, 'a'],
  ])('%s is port %i of %s', (host, port, sandbox) => {
    expect(readPreviewHost(host, DOMAIN)).toEqual({ kind: 'preview', port, sandbox });
  });

  test.each([
    'demo.preview.example.com',
    '0-demo.preview.example.com',
    '65536-demo.preview.example.com',
    '03-demo.preview.example.com',
    '3000-.preview.example.com',
    '3000-a.b.preview.example.com',
    '3000-demo-.preview.example.com',
    '.preview.example.com',
    '3000-d_mo.preview.example.com',
  ])('%s is none, and is not the API either', (host) => {
    expect(readPreviewHost(host, DOMAIN)).toEqual({ kind: 'no-preview' });
  });

  test.each([
    undefined,
    '',
    'example.com',
    'preview.example.com',
    '3000-demo.preview.example.com.evil.org',
    '3000-demo-preview.example.com',
  ])('%s is another host', (host) => {
    expect(readPreviewHost(host, DOMAIN)).toEqual({ kind: 'other' });
  });

  test('is none where no domain is configured', () => {
    expect(readPreviewHost('3000-demo.preview.example.com', undefined)).toEqual({ kind: 'other' });
  });

  test('is found again, with the port of the domain', () => {
    const host = previewHost({ sandbox: 'demo', port: 3000 }, 'preview.localhost:8000');
    expect(host).toBe('3000-demo.preview.localhost:8000');
    expect(readPreviewHost(host, 'preview.localhost:8000')).toMatchObject({ port: 3000, sandbox: 'demo' });
  });

  test('is not made of what does not fit into one label', () => {
    expect(previewHost({ sandbox: 'a.b', port: 1 }, DOMAIN)).toBeUndefined();
    expect(previewHost({ sandbox: 'a'.repeat(62), port: 1 }, DOMAIN)).toBeUndefined();
    expect(previewHost({ sandbox: 'a'.repeat(61), port: 1 }, DOMAIN)).toBeDefined();
  });
});
