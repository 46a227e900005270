import { describe, expect, test } from '@jest/globals';
import { plan } from '../../src/domain/plan.ts';
import { aPodOf, type aSession, aTemplate } from '../support/resources.ts';
import {
  NOW,
  demo,
  sandbox,
  head,
  planned,
  statusOf,
  said,
  events,
  held,
  running,
  scheduled,
  waiting,
  terminating,
} from './planning.ts';

describe('WorkspaceSaved is a promise', () => {
  const cases: readonly (readonly [string, string, string, Parameters<typeof aSession>])[] = [
    ['an open home without changes', 'True', 'Saved', ['Open']],
    ['an open home with changes', 'False', 'UnsavedChanges', ['Open', { dirty: true }]],
    [
      'an open home and no bucket',
      'False',
      'StorageUnreachable',
      ['Open', { dirty: true, reason: 'StorageUnreachable' }],
    ],
    ['a full disk', 'False', 'NodeDiskFull', ['Open', { reason: 'NodeDiskFull' }]],
    ['a home that is being saved', 'False', 'SavingWorkspace', ['Saving']],
    ['a saved home', 'True', 'Saved', ['Closed']],
    ['a fenced home', 'False', 'Fenced', ['Conflict']],
    ['a home that is being filled', 'True', 'Saved', ['Restoring']],
  ];
  test.each(cases)('%s: %s, %s', (_what, status, reason, session) => {
    const actions = planned(demo, { workspace: held(session, { head }), pod: terminating(running) });
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status, reason });
  });

  test('of an ephemeral home nothing is', () => {
    expect(said(planned(demo.ephemeral(), { pod: running }), 'WorkspaceSaved')).toMatchObject({
      status: 'False',
      reason: 'Ephemeral',
    });
  });

  test('commits every few seconds are no events, a trouble and the end of a session are', () => {
    const open = { workspace: held(['Open'], { head }), pod: running };
    const clean = demo.status(statusOf(planned(demo, open)));
    const dirty = planned(clean, { ...open, workspace: held(['Open', { dirty: true }], { head }) });
    expect(events(dirty)).toEqual([]);
    const cut = planned(clean, { ...open, workspace: held(['Open', { reason: 'StorageUnreachable' }], { head }) });
    expect(events(cut)).toEqual(['StorageUnreachable']);
    const again = planned(demo.status(statusOf(cut)), open);
    expect(events(again)).toEqual(['Saved']);
  });
});

describe('the status', () => {
  test('keeps a transition time while the status stays, whatever the reason', () => {
    const first = statusOf(planned(demo, { workspace: held(), pod: aPodOf(sandbox) }));
    const later = plan({
      now: NOW + 60_000,
      sandbox: demo.status(first).build(),
      template: aTemplate(),
      workspace: held(['Open']),
      pod: waiting('ErrImagePull'),
    });
    expect(said(later, 'Ready')).toMatchObject({
      reason: 'ImagePullFailed',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    });
  });

  test('startedAt belongs to one pod, and survives a moment of not being ready', () => {
    const open = { workspace: held(['Open']), pod: running };
    const started = statusOf(planned(demo, open));
    const unready = plan({
      ...open,
      now: NOW + 5_000,
      sandbox: demo.status(started).build(),
      template: aTemplate(),
      pod: scheduled({ phase: 'Running' }),
    });
    expect(statusOf(unready).startedAt).toBe(started.startedAt);
    const nextPod = { ...running, metadata: { ...running.metadata, uid: 'uid-of-next-pod' } };
    const next = plan({
      ...open,
      now: NOW + 9_000,
      sandbox: demo.status(started).build(),
      template: aTemplate(),
      pod: nextPod,
    });
    expect(statusOf(next).startedAt).toBe('2026-01-01T12:00:09Z');
  });

  test('messages of others are cut to what the API takes', () => {
    const actions = planned(demo, {
      workspace: held(),
      refusal: { reason: 'PodRefused', message: 'x'.repeat(99_999) },
    });
    expect(said(actions, 'Ready')?.message.length).toBeLessThanOrEqual(2_048);
  });
});
