import { type Condition, findCondition } from './condition.ts';
import { SandboxConditionType } from './reasons.ts';

/**
 * What a Sandbox's status says of it as a whole: Ready, or, once it has ended with its home let go, Stopped. There is one
 * of the two at a time, because kstatus takes whatever is not Ready for something that is still under way: a suspended
 * sandbox would be waited for in vain. Undefined before the controller's first pass.
 */
export const standingOf = (conditions: readonly Condition[] | undefined): Condition | undefined =>
  findCondition(conditions, SandboxConditionType.Stopped) ?? findCondition(conditions, SandboxConditionType.Ready);
