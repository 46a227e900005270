import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { Reason } from '../../src/api/reasons.ts';
import { isEnded, isStalled, progressConditions, standingCondition } from '../../src/domain/progress-conditions.ts';
import { kstatus } from '../support/kstatus.ts';
import { render, ROOT } from './render.ts';

const read = (name: string): unknown => parse(readFileSync(join(ROOT, 'manifests/examples/gitops', name), 'utf8'));

describe('the GitOps example', () => {
  it('names templates that are in it, and no lifetime that ends in a deletion', async () => {
    const objects = await render('manifests/examples/gitops/repository');
    const templates = objects.filter(({ kind }) => kind === 'SandboxTemplate').map(({ metadata }) => metadata.name);
    const sandboxes = objects.filter(({ kind }) => kind === 'Sandbox');
    expect(sandboxes).toHaveLength(2);
    expect(objects.map(({ metadata }) => metadata.namespace)).toEqual(objects.map(() => 'sandboxes'));
    for (const { spec } of sandboxes) {
      expect(spec).toMatchObject({ templateRef: { name: templates[0] }, lifetime: { onExpire: 'Suspend' } });
      // desiredState is left to people.
      expect(spec).not.toHaveProperty('desiredState');
    }
  }, 600_000);

  it('prunes, with either tool, and holds no Workspace that could be pruned', async () => {
    expect(read('argocd/application.yaml')).toMatchObject({ spec: { syncPolicy: { automated: { prune: true } } } });
    expect(read('flux/sync.yaml')).toMatchObject({ spec: { prune: true, wait: true } });
    const kinds = (await render('manifests/examples/gitops/repository')).map(({ kind }) => kind);
    expect(kinds).not.toContain('Workspace');
  }, 600_000);
});

it('kstatus, as Flux waits by it, reads the conditions of every reason: Current for what is ready, or rests', () => {
  for (const reason of Object.values(Reason)) {
    const verdict = { reason, status: reason === 'PodReady' ? ('True' as const) : ('False' as const), message: 'm' };
    const conditions = [standingCondition(verdict), ...progressConditions(verdict)].map(([type, one]) => ({
      type,
      ...one,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
    const status = kstatus({ metadata: { name: 'x', generation: 2 }, status: { observedGeneration: 2, conditions } });
    const isThere = reason === 'PodReady' || isEnded(verdict);
    const expected = isStalled(verdict) ? 'Failed' : isThere ? 'Current' : 'InProgress';
    expect({ reason, status }).toEqual({ reason, status: expected });
  }
  const unseen = { metadata: { name: 'x', generation: 1 }, status: { observedGeneration: -1, conditions: [] } };
  expect(kstatus(unseen)).toBe('InProgress');
});
