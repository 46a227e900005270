import { ANNOTATION_POD_REVISION } from '../api/names.ts';
import { Reason } from '../api/reasons.ts';
import { podReadiness } from './pod-readiness.ts';
import { podRevision } from './pod-revision.ts';
import { uidOf } from './seen.ts';
import type { Rule } from './step.ts';
import { standsStill } from './trouble.ts';

/**
 * A change of the spec applies from the next pod on, so that it disturbs nobody. Of a pod in which nothing runs, because
 * its image cannot be had, no node takes it or its container fails, there is nobody to disturb, and it would stand in the
 * way of the very change that puts it right.
 */
export const replaceStandingPod: Rule = (situation) => {
  const { podView, template, sandbox } = situation;
  if (podView.kind !== 'live') return undefined;
  const { pod } = podView;
  const made = pod.metadata.annotations?.[ANNOTATION_POD_REVISION];
  // Made by a version that did not write it: what it was made from cannot be known.
  if (made === undefined || !standsStill(podReadiness(situation, pod), pod)) return undefined;
  if (template !== undefined && made === podRevision(sandbox, template)) return undefined;
  const { name, generation = 0 } = sandbox.metadata;
  const { resourceVersion = '' } = pod.metadata;
  return {
    ready: {
      status: 'False',
      reason: Reason.PodTerminating,
      message: 'the pod could not run, and what it was made from has changed since; another follows',
    },
    actions: [
      {
        kind: 'deletePod',
        name,
        uid: uidOf(pod),
        resourceVersion,
        assuming: [{ kind: 'sandboxSpecUnchanged', name, uid: uidOf(sandbox), generation }],
      },
    ],
    // With restartPolicy Never, a pod that is gone ends the run: that this one does not has to be known before it goes.
    status: 'before',
    requeueAfterMs: undefined,
    forgetsPod: true,
  };
};
