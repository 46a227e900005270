import type { Condition } from '../../src/api/condition.ts';
import type { Sandbox, SandboxStatus } from '../../src/api/sandbox.ts';
import type { FakeCluster } from '../facade/support/fake-cluster.ts';

/** So many Sandboxes are kept: what comes later takes the place of the oldest. */
const MAX_SANDBOXES = 200;
const NOW = '2026-01-02T03:04:05Z';

const condition = (type: string, status: Condition['status'], reason: string): Condition => ({
  type,
  status,
  reason,
  message: `because of ${reason}`,
  lastTransitionTime: NOW,
});

/** What a controller would say, at once: everything starts, and ends as it is asked to. */
const statusOf = ({ metadata, spec, status }: Sandbox): SandboxStatus => {
  const observedGeneration = metadata.generation ?? 1;
  const request = metadata.annotations?.['matrx.dev/new-run'];
  const run = { startedAt: NOW, readyAt: NOW, ...(request === undefined ? {} : { request }) };
  if (spec.desiredState !== 'Running') {
    return {
      observedGeneration,
      ...(spec.desiredState === 'Stopped' ? { stopReason: 'user_requested' as const } : {}),
      ...(status?.startedAt === undefined ? {} : { startedAt: status.startedAt }),
      stoppedAt: NOW,
      conditions: [condition('Ready', 'False', spec.desiredState), condition('WorkspaceSaved', 'True', 'Saved')],
    };
  }
  if (spec.templateRef?.name !== 'default') {
    const reason = 'TemplateNotFound';
    const conditions = [condition('Ready', 'False', reason), condition('Stalled', 'True', reason)];
    return { observedGeneration, run, conditions };
  }
  return {
    observedGeneration,
    run,
    podName: metadata.name,
    podIP: '127.0.0.1',
    podUid: `pod-of-${metadata.name}`,
    startedAt: NOW,
    expiresAt: '2026-01-02T05:04:05Z',
    conditions: [condition('Ready', 'True', 'PodReady'), condition('WorkspaceSaved', 'False', 'UnsavedChanges')],
  };
};

/** Plays the controller. The Sandboxes of `immortal` are started again when they have ended. */
export const playController = (cluster: FakeCluster, immortal: ReadonlySet<string>): void => {
  const names: string[] = [];
  const settle = (name: string): void => {
    const sandbox = cluster.get(name);
    if (sandbox === undefined) return;
    const status = statusOf(sandbox);
    if (JSON.stringify(status) !== JSON.stringify(sandbox.status)) cluster.setStatus(name, status);
    else if (immortal.has(name) && sandbox.spec.desiredState !== 'Running') {
      cluster.change(name, (before) => ({
        ...before,
        metadata: { ...before.metadata, annotations: {}, generation: (before.metadata.generation ?? 1) + 1 },
        spec: { ...before.spec, desiredState: 'Running' },
      }));
    }
  };
  cluster.informer.onChange(({ kind, object }) => {
    const { name } = object.metadata;
    if (kind === 'deleted') return;
    if (kind === 'added' && !immortal.has(name)) names.push(name);
    setImmediate(settle, name);
    if (names.length > MAX_SANDBOXES) cluster.remove(names.shift() ?? '');
  });
};
