import { isAtRest, sandboxState, takesCommands } from '../../src/facade/sandbox-status.ts';
import { must } from '../domain/model/broken.ts';
import { conditionOf } from '../domain/model/honesty.ts';
import type { ApiServer } from '../support/model-api-server/api-server.ts';
import type { Snapshot } from '../support/model-api-server/kinds.ts';
import type { Told } from './facade.ts';

/** What clients were told was so at some moment between their question and the answer. */
export const checkAnswers = (api: Pick<ApiServer, 'history'>, answers: readonly Told[]): void => {
  for (const told of answers) {
    const claim = claimOf(told);
    if (claim === undefined) continue;
    let version = told.answered;
    // A cache may have known it before it was asked: what it knew was so then.
    while (version > 0 && !claim(api.history[version] as Snapshot)) version--;
    must(version > 0, 'a client is told what never was', told);
    must(version >= told.asked || !isNews(told), 'a client is told what was so before it asked', told);
  }
};

/** Those that ask for a change are answered with what came of it. */
const isNews = ({ operation, status }: Told): boolean => operation === 'delete' && status === 204;

const claimOf = ({ operation, status, name = '' }: Told): ((world: Snapshot) => boolean) | undefined => {
  if (operation === 'create' && status === 201) {
    return ({ sandboxes }) => {
      const sandbox = sandboxes.get(name);
      return sandbox !== undefined && (takesCommands(sandboxState(sandbox)) || sandbox.status?.startedAt !== undefined);
    };
  }
  if (operation === 'resume' && status === 200) {
    return ({ sandboxes }) => {
      const sandbox = sandboxes.get(name);
      return sandbox !== undefined && takesCommands(sandboxState(sandbox));
    };
  }
  if (operation === 'suspend' && status === 200) {
    return ({ sandboxes }) => {
      const sandbox = sandboxes.get(name);
      return sandbox !== undefined && sandboxState(sandbox) === 'suspended';
    };
  }
  if (operation === 'delete' && status === 204) {
    return ({ sandboxes }) => {
      const sandbox = sandboxes.get(name);
      if (sandbox === undefined) return true;
      const saved = conditionOf(sandbox, 'WorkspaceSaved');
      return isAtRest(sandbox) && (saved?.status !== 'False' || saved.reason === 'Ephemeral');
    };
  }
  return undefined;
};
