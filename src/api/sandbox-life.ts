/** The original API's words, and `suspended`, which it did not have. */
export const SANDBOX_STATES = [
  'creating',
  'starting',
  'ready',
  'running',
  'shutting_down',
  'stopped',
  'suspended',
  'failed',
  'expired',
] as const;
export type SandboxState = (typeof SANDBOX_STATES)[number];

/** Whose write ends a state: of the spec, an annotation or a deletion (`user`, `facade`), or of the status (`controller`). */
export type LifeActor = 'user' | 'facade' | 'controller';

/** One way out of a state. */
export interface LifeStep {
  readonly to: readonly (SandboxState | 'gone')[];
  readonly by: LifeActor;
  readonly when: string;
}

export interface LifeState {
  readonly means: string;
  readonly leaves: readonly LifeStep[];
}

const STARTED: LifeStep = {
  to: ['starting', 'ready', 'running'],
  by: 'controller',
  when: 'its pod is made; it may be ready by the time somebody looks',
};
const ASKED_TO_END: LifeStep = {
  to: ['shutting_down'],
  by: 'user',
  when: 'it is stopped, suspended or deleted',
};
const TIME_IS_OVER: LifeStep = {
  to: ['shutting_down', 'expired', 'suspended'],
  by: 'controller',
  when: 'its lifetime is over, nobody used it for idleSeconds, or heartbeats stayed away; at once where there is no pod to end',
};
const NEEDS_A_PERSON: LifeStep = { to: ['failed'], by: 'controller', when: 'only a person can help (Stalled)' };
const GIVEN_UP: LifeStep = {
  to: ['failed'],
  by: 'facade',
  when: 'its start came to nothing, and it is stopped with the reason kept',
};
const LOST_ITS_POD: LifeStep = {
  to: ['creating', 'starting'],
  by: 'controller',
  when: 'its pod was evicted, deleted, killed or is not ready, or its node was lost: another one follows, with the same workspace, unless restartPolicy is Never',
};
const TAKEN_UP: LifeStep = {
  to: ['creating', 'starting', 'ready', 'running', 'failed'],
  by: 'user',
  when: 'it is to run again, as a new run (or, expired, with a longer lifetime as the same one): same id, same home, a fresh pod',
};
const DELETED_UNTOUCHED: LifeStep = {
  to: ['gone'],
  by: 'user',
  when: 'it is deleted, and the controller has never begun to start it: then no finalizer holds it',
};
const ASKED_OTHERWISE: LifeStep = {
  to: ['shutting_down'],
  by: 'user',
  when: 'it is deleted, or is to end in another way, until the controller has seen to that',
};

/**
 * The life of a Sandbox: every state, and who may leave it for which others. The state is worked out from what is asked
 * for and what the controller last said (src/facade/sandbox-status.ts), and is stored nowhere, so it cannot disagree with
 * either; what the controller does in each is written as rules (src/domain/start-rules.ts, stop-rules.ts, run.ts).
 * docs/life.md is made from this, and test/domain/life.test.ts lets no other step happen.
 */
export const SANDBOX_LIFE: Readonly<Record<SandboxState, LifeState>> = {
  creating: {
    means:
      'There is no pod yet: it waits for its workspace, its template, its place in a quota, or its turn after failures.',
    leaves: [STARTED, NEEDS_A_PERSON, GIVEN_UP, TIME_IS_OVER, ASKED_TO_END, DELETED_UNTOUCHED],
  },
  starting: {
    means:
      'There is a pod, and it does not take commands: it is scheduled, its home restored, its image pulled, or it is not ready any more.',
    leaves: [
      { to: ['ready', 'running'], by: 'controller', when: 'its pod is ready' },
      LOST_ITS_POD,
      NEEDS_A_PERSON,
      GIVEN_UP,
      TIME_IS_OVER,
      ASKED_TO_END,
    ],
  },
  ready: {
    means: 'It takes commands.',
    leaves: [
      { to: ['running'], by: 'controller', when: 'its first heartbeat of the run is seen' },
      LOST_ITS_POD,
      NEEDS_A_PERSON,
      TIME_IS_OVER,
      ASKED_TO_END,
    ],
  },
  running: {
    means: 'It takes commands, and has sent a heartbeat in this run.',
    leaves: [
      { to: ['ready'], by: 'controller', when: 'a new run begins with the pod of one that was just over' },
      LOST_ITS_POD,
      NEEDS_A_PERSON,
      TIME_IS_OVER,
      ASKED_TO_END,
    ],
  },
  shutting_down: {
    means: 'It is to end, and has not ended or is not saved yet. No end skips this, but one without a pod.',
    leaves: [
      {
        to: ['stopped', 'suspended', 'expired', 'failed'],
        by: 'controller',
        when: 'its pod is gone, its home saved and its workspace let go; failed, if it ended with its pod (restartPolicy Never)',
      },
      { to: ['gone'], by: 'controller', when: 'it was deleted, and all of that is done: the finalizer goes last' },
      {
        to: ['creating', 'starting', 'ready', 'running', 'failed'],
        by: 'user',
        when: 'it is to run after all: with the pod that it has, if that was not told to end yet, otherwise with another',
      },
    ],
  },
  stopped: {
    means: 'It was asked to end, and has: its home is saved. It is listed for retainSeconds.',
    leaves: [
      TAKEN_UP,
      ASKED_OTHERWISE,
      DELETED_UNTOUCHED,
      { to: ['gone'], by: 'controller', when: 'retainSeconds are over' },
    ],
  },
  suspended: {
    means: 'Its pod is gone and its home saved, and it is kept until somebody resumes or deletes it.',
    leaves: [
      TAKEN_UP,
      ASKED_OTHERWISE,
      DELETED_UNTOUCHED,
      { to: ['expired'], by: 'user', when: 'its lifetime is over, and onExpire is Stop by now' },
    ],
  },
  failed: {
    means:
      'It does not run, and only a person can help; its start was given up by whoever waited for it; or its pod was lost, with restartPolicy Never.',
    leaves: [
      { to: ['creating', 'starting', 'ready', 'running'], by: 'controller', when: 'what was wrong has been put right' },
      TAKEN_UP,
      TIME_IS_OVER,
      ASKED_TO_END,
      { to: ['gone'], by: 'controller', when: 'retainSeconds are over' },
    ],
  },
  expired: {
    means: 'It has ended by itself, with onExpire Stop: its home is saved. It is listed for retainSeconds.',
    leaves: [
      TAKEN_UP,
      ASKED_OTHERWISE,
      { to: ['suspended'], by: 'user', when: 'onExpire is Suspend by now' },
      { to: ['gone'], by: 'controller', when: 'retainSeconds are over' },
    ],
  },
};

/** Whether a Sandbox may be seen to go from one state to the other. */
export const mayFollow = (from: SandboxState, to: SandboxState | 'gone'): boolean =>
  from === to || SANDBOX_LIFE[from].leaves.some((step) => step.to.includes(to));
