import { run } from '../command.ts';
import { POLICY_TABLE } from './network.ts';

/** Whether NetworkPolicies of a cluster that was built here are in force. No nft program: there cannot be any. */
export const hasPolicyTable = async (): Promise<boolean> => {
  const tables = await run(['nft', 'list', 'tables']).catch(() => '');
  return tables.split('\n').includes(`table inet ${POLICY_TABLE}`);
};

export const removePolicyTable = (log: string): Promise<string> =>
  run(['nft', 'delete', 'table', 'inet', POLICY_TABLE], { log });
