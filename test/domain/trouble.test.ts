import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import { ANNOTATION_POD_REVISION } from '../../src/api/names.ts';
import type { SandboxStatus } from '../../src/api/sandbox.ts';
import type { SandboxTemplateSpec } from '../../src/api/sandbox-template.ts';
import type { Action } from '../../src/domain/action.ts';
import { plan } from '../../src/domain/plan.ts';
import { podRevision } from '../../src/domain/pod-revision.ts';
import { kstatus } from '../support/kstatus.ts';
import { aPodOf, aTemplate, type SandboxBuilder } from '../support/resources.ts';
import { demo, events, held, kinds, NOW, planned, said, sandbox, scheduled, statusOf, waiting } from './planning.ts';

const unschedulable = (message: string): Pod =>
  aPodOf(sandbox, { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
const crashed = (reason: string, more: object = {}): Pod =>
  scheduled({
    containerStatuses: [
      {
        name: 'sandbox',
        ready: false,
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
        lastState: { terminated: { exitCode: 1, reason } },
        ...more,
      },
    ],
  });

/** What is planned so many seconds after `status` was written. */
const later = (seconds: number, status: SandboxStatus, pod: Pod, of: SandboxBuilder = demo): readonly Action[] =>
  plan({
    now: NOW + seconds * 1000,
    sandbox: of.status(status).build(),
    template: aTemplate(),
    workspace: held(['Open']),
    pod,
  });
const requeueMs = (actions: readonly Action[]): number | undefined =>
  actions.flatMap((action) => (action.kind === 'requeue' ? [action.afterMs] : []))[0];
const of = (pod: Pod, spec: Partial<SandboxTemplateSpec> = {}, who = demo): readonly Action[] =>
  planned(who, { workspace: held(['Open']), pod, template: aTemplate('default', spec) });

describe('a trouble that may go away by itself', () => {
  const troubles: readonly (readonly [string, Pod])[] = [
    ['Unschedulable', unschedulable('0/1 nodes are available: 1 Insufficient cpu.')],
    ['ImagePullFailed', waiting('ImagePullBackOff', 'Back-off pulling image "a:1"')],
    ['ContainerFailing', crashed('Error')],
  ];
  test.each(troubles)('%s is in progress until its deadline, and Stalled from then on', (reason, pod) => {
    const first = of(pod);
    expect(said(first, 'Reconciling')).toMatchObject({ status: 'True', reason });
    expect(statusOf(first).trouble).toEqual({ reason, since: '2026-01-01T12:00:00Z' });
    expect(requeueMs(first)).toBe(300_000);
    expect(requeueMs(later(590, statusOf(first), pod))).toBe(10_000);
    const due = later(600, statusOf(first), pod);
    expect(said(due, 'Stalled')).toMatchObject({ status: 'True', reason });
    expect(said(due, 'Reconciling')).toBeUndefined();
    expect(kstatus({ metadata: { name: 'demo', generation: 1 }, status: statusOf(due) })).toBe('Failed');
    expect(events(due)).toEqual(['Stalled']);
    expect(kinds(later(3_600, statusOf(due), pod))).toEqual([]);
  });

  test('has the deadline that the spec gives it', () => {
    const patient = demo.with({ progressDeadlineSeconds: 5 });
    const pod = waiting('ErrImagePull');
    const status = statusOf(of(pod, {}, patient));
    expect(said(later(5, status, pod, patient), 'Stalled')?.status).toBe('True');
  });

  test('counts from its own beginning: another trouble is another start', () => {
    const { trouble } = statusOf(later(500, statusOf(of(unschedulable('no room'))), waiting('ErrImagePull')));
    expect(trouble).toEqual({ reason: 'ImagePullFailed', since: '2026-01-01T12:08:20Z' });
  });

  test('is forgotten once the container runs, but for one that has crashed a moment ago', () => {
    const runs = (startedAt: string): Pod =>
      scheduled({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'sandbox', ready: true, restartCount: 3, state: { running: { startedAt } } }],
      });
    const pulled = later(60, statusOf(of(waiting('ErrImagePull'))), runs('2026-01-01T12:00:59Z'));
    expect(statusOf(pulled)).not.toHaveProperty('trouble');
    const crashing = statusOf(later(60, statusOf(of(crashed('Error'))), runs('2026-01-01T12:00:59Z')));
    expect(crashing.trouble?.since).toBe('2026-01-01T12:00:00Z');
    expect(said(later(600, crashing, crashed('Error')), 'Stalled')?.reason).toBe('ContainerFailing');
    expect(statusOf(later(700, crashing, runs('2026-01-01T12:00:59Z')))).not.toHaveProperty('trouble');
  });
});

test.each(['InvalidImageName', 'ErrImageNeverPull'])('%s needs a person at once', (reason) => {
  expect(said(of(waiting(reason)), 'Stalled')).toMatchObject({ status: 'True', reason: 'ImagePullFailed' });
});

describe('its message names the field', () => {
  const short = unschedulable('0/1 nodes are available: 1 Insufficient memory.');
  const unplaced = unschedulable("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
  const memory = { resources: { limits: { memory: '1Ti' } } };
  test.each<[string, readonly Action[], string]>([
    ['the image of the Sandbox', of(waiting('ErrImagePull'), {}, demo.with({ image: 'a' })), 'look at spec.image'],
    [
      'the image of the template, and its pull policy',
      of(waiting('ErrImageNeverPull')),
      'look at spec.image of SandboxTemplate default, spec.imagePullPolicy of SandboxTemplate default',
    ],
    ['a limit of the Sandbox', of(short, {}, demo.with(memory)), 'look at spec.resources.limits.memory'],
    [
      'a request of the template',
      of(short, { resources: { requests: { memory: '1Ti' } } }),
      'look at spec.resources.requests.memory of SandboxTemplate default',
    ],
    [
      'the runtime class, where no node matches',
      of(unplaced, { runtimeClassName: 'kata' }),
      'look at spec.runtimeClassName of SandboxTemplate default',
    ],
    ['the memory that was too little', of(crashed('OOMKilled'), {}, demo.with(memory)), 'spec.resources.limits.memory'],
    [
      'all that a container is made of',
      of(crashed('Error'), { env: [{ name: 'A', value: '' }] }, demo.with({ image: 'a' })),
      'look at spec.image, spec.env of SandboxTemplate default',
    ],
  ])('%s', (_what, actions, expected) => {
    expect(said(actions, 'Ready')?.message).toMatch(new RegExp(`${expected.replaceAll('.', '\\.')}$`, 'u'));
  });

  const refused = (message: string, who = demo): string | undefined =>
    said(planned(who, { workspace: held(), refusal: { reason: 'PodRefused', message } }), 'Stalled')?.message;
  test.each([
    ['RuntimeClass "x" not found', demo, 'spec.runtimeClassName of SandboxTemplate default'],
    ['exceeded quota: small, requested: cpu=2', demo.with({ resources: {} }), 'spec.resources'],
    ['spec.containers[0].image: Invalid value', demo, 'spec.image of SandboxTemplate default'],
    ['spec.containers[0].env[7].name: Invalid value', demo.with({ env: [{ name: 'A', value: '' }] }), 'spec.env'],
    ['the template asks for security.sudo', demo, 'spec.security.sudo of SandboxTemplate default'],
  ])('of a pod that the API server refuses: %s', (message, who, field) => {
    expect(refused(message, who)).toBe(`${message}; look at ${field}`);
  });

  test('of pods that fail one after another', () => {
    const why = 'Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ';
    const podFailures = { count: 4, podUid: 'p', lastTime: '2026-01-01T12:00:00Z', why };
    const limited = demo.with({ resources: { limits: { 'ephemeral-storage': '1Ki' } } }).status({ podFailures });
    expect(said(planned(limited, { workspace: held() }), 'Ready')?.message).toContain(
      'look at spec.resources.limits.ephemeral-storage',
    );
  });
});

describe('a pod in which nothing runs', () => {
  const made = (pod: Pod, from: SandboxBuilder): Pod => ({
    ...pod,
    metadata: { ...pod.metadata, annotations: { [ANNOTATION_POD_REVISION]: podRevision(from.build(), aTemplate()) } },
  });
  const wrong = demo.with({ image: 'wrong:1' });
  const stuck = made(waiting('ImagePullBackOff'), wrong);

  test('is replaced when what it was made from has changed: before, a corrected image changed nothing', () => {
    const actions = of(stuck, {}, demo.with({ image: 'right:1' }));
    expect(kinds(actions)).toEqual(['writeSandboxStatus', 'deletePod']);
    expect(actions).toContainEqual(
      expect.objectContaining({ kind: 'deletePod', uid: 'uid-of-pod', resourceVersion: '5' }),
    );
    expect(statusOf(actions)).not.toHaveProperty('podFailures');
  });

  test('is replaced when its template has changed, or another is named', () => {
    expect(kinds(of(stuck, { terminationGracePeriodSeconds: 5 }, wrong))).toContain('deletePod');
    const elsewhere = wrong.with({ templateRef: { name: 'missing' } });
    const seen = { workspace: held(['Open']), pod: stuck, template: undefined };
    expect(kinds(planned(elsewhere, seen))).toContain('deletePod');
  });

  test('is left while nothing has changed, and where nobody knows what it was made from', () => {
    expect(kinds(of(stuck, {}, wrong))).not.toContain('deletePod');
    expect(kinds(of(waiting('ImagePullBackOff'), {}, demo.with({ image: 'right:1' })))).not.toContain('deletePod');
  });

  test('is replaced in a crash loop, and left when its container has just ended and is started again', () => {
    const corrected = demo.with({ image: 'right:1' });
    expect(kinds(of(made(crashed('Error'), wrong), {}, corrected))).toContain('deletePod');
    const ended = crashed('Error', { state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } });
    expect(kinds(of(made(ended, wrong), {}, corrected))).not.toContain('deletePod');
  });

  test('is replaced in the same run with restartPolicy Never, and one that runs is not', () => {
    const never = demo.with({ restartPolicy: 'Never' });
    const begun = { startedAt: '2026-01-01T11:00:00Z', podUid: 'uid-of-pod' };
    const actions = of(stuck, {}, never.status({ run: begun }));
    expect(statusOf(actions).run).toEqual({ startedAt: '2026-01-01T11:00:00Z' });
    const running = made(scheduled({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }), wrong);
    expect(kinds(of(running, {}, demo))).not.toContain('deletePod');
  });
});
