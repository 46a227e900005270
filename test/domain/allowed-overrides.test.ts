import { describe, expect, test } from '@jest/globals';
import type { SandboxSpec } from '../../src/api/sandbox.ts';
import type { SandboxTemplateSpec } from '../../src/api/sandbox-template.ts';
import { forbiddenOverride } from '../../src/domain/allowed-overrides.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import { demo, held, kinds, planned, running, said } from './planning.ts';

type Allowed = NonNullable<SandboxTemplateSpec['allowedOverrides']>;

const templateOf = (allowedOverrides: Allowed) => aTemplate('strict', { allowedOverrides });
const judged = (spec: Partial<SandboxSpec>, allowed: Allowed): string | undefined =>
  forbiddenOverride(aSandbox().with(spec).build(), templateOf(allowed));
const env = (name: string) => [{ name, value: '1' }];

describe('a template', () => {
  test.each<[string, Partial<SandboxSpec>, Allowed]>([
    ['an image of its list', { image: 'ours/a:1' }, { images: ['ours/a:1'] }],
    ['an image that begins as its list says', { image: 'ours/team/a:1' }, { images: ['other:1', 'ours/*'] }],
    ['a variable of its list', { env: env('COLOR') }, { env: ['COLOR'] }],
    ['resources up to its maximum', { resources: { limits: { cpu: '2' } } }, { maxResources: { cpu: 2 } }],
    ['resources without a maximum', { resources: {} }, {}],
    ['anything where it says nothing', { image: 'x', env: env('A'), resources: { limits: { cpu: 99 } } }, {}],
    ['nothing to be set', {}, { images: [], env: [], resources: false }],
  ])('allows %s', (_what, spec, allowed) => {
    expect(judged(spec, allowed)).toBeUndefined();
  });

  test.each<[string, Partial<SandboxSpec>, Allowed, string]>([
    [
      'another image',
      { image: 'evil:1' },
      { images: ['ours/*'] },
      'spec.image evil:1: it allows ours/* (its spec.allowedOverrides.images)',
    ],
    [
      'any image, where its list is empty',
      { image: 'a' },
      { images: [] },
      'spec.image a: it allows none (its spec.allowedOverrides.images)',
    ],
    [
      'another variable',
      { env: env('PATH') },
      { env: ['COLOR', 'APP_*'] },
      'spec.env PATH: it allows COLOR, APP_* (its spec.allowedOverrides.env)',
    ],
    [
      'resources',
      { resources: { limits: { cpu: 1 } } },
      { resources: false },
      'spec.resources: it allows none but its own (its spec.allowedOverrides.resources)',
    ],
    [
      'a limit above its maximum',
      { resources: { limits: { memory: '5Gi' } } },
      { maxResources: { memory: '4Gi' } },
      'spec.resources.limits.memory 5Gi: it allows 4Gi (its spec.allowedOverrides.maxResources.memory)',
    ],
    [
      'no limit where it has a maximum',
      { resources: { requests: { cpu: 1 } } },
      { maxResources: { cpu: 2 } },
      'spec.resources: it needs limits.cpu, of 2 at most (its spec.allowedOverrides.maxResources.cpu)',
    ],
    [
      'more of the disk',
      { resources: { limits: { 'ephemeral-storage': '20Gi' } } },
      { maxResources: { 'ephemeral-storage': '10Gi' } },
      'spec.resources.limits.ephemeral-storage 20Gi: it allows 10Gi (its spec.allowedOverrides.maxResources.ephemeral-storage)',
    ],
  ])('refuses %s', (_what, spec, allowed, expected) => {
    expect(judged(spec, allowed)).toBe(expected);
  });
});

describe('a Sandbox that sets what its template does not leave to it', () => {
  const strict = { template: templateOf({ images: [] }), workspace: held() };
  const overriding = demo.with({ image: 'other:1' });

  test('gets no pod, and says why and that a person has to act', () => {
    const actions = planned(overriding, strict);
    expect(kinds(actions)).toEqual(['writeSandboxStatus']);
    expect(said(actions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'OverrideNotAllowed',
      message:
        'SandboxTemplate strict does not allow spec.image other:1: it allows none (its spec.allowedOverrides.images); change it, or take another template',
    });
    expect(said(actions, 'Stalled')).toMatchObject({ status: 'True', reason: 'OverrideNotAllowed' });
  });

  test('keeps the pod that it has: an edited template disturbs nobody', () => {
    const workspace = held(['Open']);
    expect(kinds(planned(overriding, { ...strict, workspace, pod: running }))).not.toContain('deletePod');
    expect(said(planned(overriding, { ...strict, workspace, pod: running }), 'Ready')?.status).toBe('True');
  });
});
