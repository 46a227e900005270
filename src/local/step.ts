/** What a step gets while it runs. */
export interface StepContext {
  /** Says what the step does right now; shown with the next progress line. */
  readonly report: (text: string) => void;
  /** The file that the step's programs write to. */
  readonly log: string;
  readonly signal: AbortSignal;
}

/**
 * One part of `up`. Running it again is safe: it looks first at what is already there and makes only what is missing,
 * so that `up` continues where it stopped and repairs what broke.
 */
export interface Step {
  readonly name: string;
  /** Names of steps that must have succeeded. Steps that do not need each other run at the same time. */
  readonly needs: readonly string[];
  /** Resolves with what came of it, in a few words. */
  readonly run: (context: StepContext) => Promise<string>;
  /** What a person does when it fails. */
  readonly remedy: string;
}

export const step = (name: string, needs: readonly string[], run: Step['run'], remedy: string): Step =>
  Object.freeze({ name, needs, run, remedy });
