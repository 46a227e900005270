import { type PrometheusSample, sum } from './prometheus-text.ts';

/**
 * Counts the writes of one user: the API server counts by flow schema what it lets through, and this one holds nothing
 * but what its user changes in the sandboxes' namespace. (Its apiserver_request_total knows no users.)
 */
export const WRITES_SCHEMA = 'bench-controller-writes';

/** With the limits that a ServiceAccount has anyway. */
export const writesFlowSchema = (user: string): readonly object[] => {
  const [, , namespace, name] = user.split(':');
  return [
    {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: WRITES_SCHEMA },
      spec: {
        matchingPrecedence: 500,
        priorityLevelConfiguration: { name: 'workload-low' },
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [{ kind: 'ServiceAccount', serviceAccount: { namespace, name } }],
            resourceRules: [
              {
                verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
                apiGroups: ['*'],
                resources: ['*'],
                namespaces: ['sandboxes'],
              },
            ],
          },
        ],
      },
    },
  ];
};

export const controllerWrites = (samples: readonly PrometheusSample[]): number =>
  sum(
    samples.filter(
      ({ name, labels }) =>
        name === 'apiserver_flowcontrol_dispatched_requests_total' && labels['flow_schema'] === WRITES_SCHEMA,
    ),
  );

const WRITE_VERBS: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** All that anybody has written since the API server's start: `verb resource/subresource` → how often. */
export const writesByResource = (samples: readonly PrometheusSample[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { name, labels, value } of samples) {
    const { verb = '', resource = '', subresource = '' } = labels;
    if (name !== 'apiserver_request_total' || !WRITE_VERBS.includes(verb)) continue;
    const key = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`;
    counts.set(key, (counts.get(key) ?? 0) + value);
  }
  return counts;
};
