import { API_GROUP, API_VERSION } from '../../../src/api/names.ts';

/**
 * How a client and the API server name the product's kinds. An installation serves Sandboxes in one namespace, where its
 * own controller has them; a test that brings a controller of its own uses copies of the definitions, in a group of their
 * own, under names that no test gives to kubectl. The client is told nothing of that: the proxy translates.
 */
export interface CopiedNames {
  readonly group: string;
  /** What the client sends, for the server. */
  readonly pathToServer: (path: string) => string;
  readonly bodyToServer: (body: string) => string;
  /** An answer, or a line of a watch, for the client. */
  readonly toClient: (text: string) => string;
}

/** The scheduler that does not exist: no node takes a pod of these tests. */
const NOBODY = 'matrx-played';
/** Held by each pod until the played kubelet has seen to its end, as a real pod ends when kubelet says so. */
export const PLAYED_POD_FINALIZER = 'matrx.dev/played-kubelet';

export const COPIES = [
  { kind: 'Sandbox', plural: 'sandboxes', file: 'crds/sandboxes.yaml' },
  { kind: 'Workspace', plural: 'workspaces', file: 'crds/workspaces.yaml' },
  { kind: 'SandboxTemplate', plural: 'sandboxtemplates', file: 'crds/sandboxtemplates.yaml' },
] as const;

export const copyOf = (name: string): string => (/^[A-Z]/.test(name) ? `Copied${name}` : `copied${name}`);

/**
 * `node`: a pod that no scheduler takes is shown to the client as one on this node, which exists. In the API server it
 * has none, so that neither a kubelet nor the collector of pods on unknown nodes touches it.
 */
export const makeCopiedNames = (group: string, node: string): CopiedNames => {
  const ours = `${API_GROUP}/${API_VERSION}`;
  const theirs = `${group}/${API_VERSION}`;
  const words: readonly (readonly [client: string, server: string])[] = [
    [`"${ours}"`, `"${theirs}"`],
    ...COPIES.flatMap(({ kind }) => [
      [`"kind":"${kind}"`, `"kind":"${copyOf(kind)}"`] as const,
      [`"kind":"${kind}List"`, `"kind":"${copyOf(kind)}List"`] as const,
    ]),
  ];
  return {
    group,
    pathToServer: (path) =>
      path.replace(
        /^\/apis\/matrx\.dev\/v1alpha1\/(namespaces\/[^/]+\/)?([a-z]+)/,
        (_all, namespace: string | undefined, plural: string) => `/apis/${theirs}/${namespace ?? ''}${copyOf(plural)}`,
      ),
    bodyToServer: (body) => words.reduce((text, [client, server]) => text.replaceAll(client, server), body),
    toClient: (text) =>
      words
        .reduce((all, [client, server]) => all.replaceAll(server, client), text)
        .replaceAll(`"schedulerName":"${NOBODY}"`, `"schedulerName":"${NOBODY}","nodeName":"${node}"`),
  };
};

interface PodBody {
  readonly metadata: { readonly finalizers?: readonly string[] };
  readonly spec: object;
}

/** A pod as the client wants it, so that nobody but the played kubelet has it. */
export const leaveToPlayedNode = (body: string): string => {
  const pod = JSON.parse(body) as PodBody;
  return JSON.stringify({
    ...pod,
    metadata: { ...pod.metadata, finalizers: [PLAYED_POD_FINALIZER] },
    spec: { ...pod.spec, schedulerName: NOBODY },
  });
};
