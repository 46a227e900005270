/** What is read of a Node. */
export interface NodeStatus {
  readonly spec: { readonly podCIDR?: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastHeartbeatTime?: string;
      readonly message?: string;
    }[];
  };
}

/** Why a node takes no pods yet; undefined when it does. `reportedSince` is wall time in milliseconds. */
export const nodeProblem = (node: NodeStatus, reportedSince: number): string | undefined => {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined || Date.parse(ready.lastHeartbeatTime ?? '') < reportedSince)
    return 'it has not reported yet';
  if (ready.status !== 'True') return `its Ready condition is ${ready.status}: ${ready.message ?? ''}`;
  return node.spec.podCIDR === undefined ? 'it has no range of pod addresses yet' : undefined;
};
