import { describe, expect, test } from '@jest/globals';
import { storageState } from '../../src/controller/storage-state.ts';

const reports = (data: Readonly<Record<string, unknown>>) => ({
  metadata: { name: 'matrx-storage' },
  data: Object.fromEntries(
    Object.entries(data).map(([node, report]) => [node, typeof report === 'string' ? report : JSON.stringify(report)]),
  ),
});
const good = { ok: true, bucket: 'homes', checkedAt: '2026-01-01T00:00:00Z' };
const forbidden = {
  ok: false,
  bucket: 'homes',
  reason: 'Forbidden',
  permission: 's3:PutObject',
  message: 'Access Denied',
  checkedAt: '2026-01-01T00:00:00Z',
};

describe('the storage', () => {
  test('is not ready before any node has looked, and says where to look', () => {
    for (const nothing of [undefined, reports({})]) {
      expect(storageState(nothing, 'homes')).toEqual({
        ok: false,
        message: expect.stringMatching(
          /no node driver has reported yet whether bucket homes .* DaemonSet matrx-node/u,
        ) as unknown,
      });
    }
  });

  test('is not ready while no node can use the bucket, and names bucket, permission and answer', () => {
    expect(storageState(reports({ a: forbidden }), 'homes')).toEqual({
      ok: false,
      message: 'bucket homes cannot be used: a: Forbidden for bucket homes, it needs s3:PutObject (Access Denied)',
    });
  });

  test('is ready as soon as one node can, and still names the others', () => {
    expect(storageState(reports({ a: good }), 'homes')).toEqual({
      ok: true,
      message: 'bucket homes can be used from 1 of 1 nodes',
    });
    expect(storageState(reports({ a: forbidden, b: good }), 'homes')).toMatchObject({
      ok: true,
      message: expect.stringContaining('a: Forbidden') as unknown,
    });
  });

  test('is not ready for a report that nobody can read', () => {
    for (const text of ['', 'ok', '{"ok":"yes"}', '[]', 'null']) {
      expect(storageState(reports({ a: text }), undefined)).toMatchObject({
        ok: false,
        message: expect.stringContaining('cannot be read') as unknown,
      });
    }
  });
});
