/** Which cluster `up` uses. */
export type ClusterKind =
  /** The one a kubeconfig of the user's names. */
  | 'given'
  /** A k3s that already serves on this machine. */
  | 'k3s-running'
  /** A k3s program on this machine, started here with folders of its own. */
  | 'k3s'
  /** The pinned k3s release, downloaded. */
  | 'k3s-download'
  /** Kubernetes built from its own Go modules, with the distribution's containerd. */
  | 'modules';

export interface ClusterChoice {
  readonly kind: ClusterKind;
  /** Why this one, for a person. */
  readonly why: string;
  /** The kubeconfig of `given` and `k3s-running`. */
  readonly kubeconfig?: string;
  /** The k3s program. */
  readonly program?: string;
}

/** What the machine was found to have. */
export interface ClusterFacts {
  /** KUBECONFIG, unless it is the one `up` itself wrote. */
  readonly kubeconfig: string | undefined;
  /** What an earlier `up` chose; it holds as long as that cluster's state exists. */
  readonly earlier: ClusterChoice | undefined;
  readonly k3sProgram: string | undefined;
  /** The kubeconfig of a k3s server that runs already. */
  readonly k3sServing: string | undefined;
  readonly isRoot: boolean;
}

export type ClusterDecision =
  | { readonly kind: 'chosen'; readonly choice: ClusterChoice }
  /** Try the download; `otherwise` is the choice when it does not come. */
  | { readonly kind: 'try-download'; readonly otherwise: string }
  | { readonly kind: 'impossible'; readonly message: string };

const chosen = (choice: ClusterChoice): ClusterDecision => ({ kind: 'chosen', choice });

/**
 * KUBECONFIG if set; else k3s if it is on the machine; else the pinned k3s release; else Kubernetes from its modules.
 * A choice once made stays until `down --purge`, so that installing something later does not change the cluster.
 */
export const chooseCluster = (facts: ClusterFacts): ClusterDecision => {
  const { kubeconfig, earlier, k3sProgram, k3sServing, isRoot } = facts;
  if (kubeconfig !== undefined) {
    if (earlier !== undefined && earlier.kind !== 'given') {
      return {
        kind: 'impossible',
        message: `KUBECONFIG names ${kubeconfig}, but this machine has a cluster of an earlier \`up\` (${earlier.kind}): unset KUBECONFIG, or remove that one with \`down --purge\``,
      };
    }
    return chosen({ kind: 'given', kubeconfig, why: `KUBECONFIG is set to ${kubeconfig}` });
  }
  if (earlier !== undefined && earlier.kind !== 'given')
    return chosen({ ...earlier, why: `chosen before: ${plain(earlier.why)}` });
  if (k3sServing !== undefined) {
    return chosen({ kind: 'k3s-running', kubeconfig: k3sServing, why: 'k3s already serves on this machine' });
  }
  if (!isRoot) {
    return {
      kind: 'impossible',
      message: 'a cluster on this machine needs root: run this with sudo, or set KUBECONFIG to a cluster of yours',
    };
  }
  if (k3sProgram !== undefined) {
    return chosen({ kind: 'k3s', program: k3sProgram, why: `k3s is on this machine: ${k3sProgram}` });
  }
  return { kind: 'try-download', otherwise: 'no KUBECONFIG, no k3s on this machine' };
};

const plain = (why: string): string => why.replace(/^chosen before: /, '');

/** The choice after the download was tried. */
export const afterDownload = (
  otherwise: string,
  download: { readonly program: string } | { readonly failure: string },
): ClusterChoice =>
  'program' in download
    ? { kind: 'k3s-download', program: download.program, why: `${otherwise}; the pinned release could be downloaded` }
    : { kind: 'modules', why: `${otherwise}, and its release could not be downloaded (${download.failure})` };
