/** A Role or a ClusterRole. */
export interface RoleLike {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** A RoleBinding or a ClusterRoleBinding. */
export interface BindingLike {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** One thing that one service account may do: the smallest part of a role that can be taken away. */
export interface Permission {
  /** `matrx-system/matrx-controller` */
  readonly account: string;
  /** Empty for all. */
  readonly namespace: string;
  readonly group: string;
  /** With its subresource: `pods/exec`. */
  readonly resource: string;
  readonly verb: string;
  /** Empty for all. */
  readonly names: readonly string[];
}

/** One request, as the API server's audit log has it. */
export interface AuditEvent {
  readonly verb: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the bindings give to service accounts, one permission for each verb of each resource. */
export const permissionsOf = (roles: readonly RoleLike[], bindings: readonly BindingLike[]): readonly Permission[] =>
  bindings.flatMap(({ kind, metadata, roleRef, subjects = [] }) => {
    const namespace = kind === 'RoleBinding' ? (metadata.namespace ?? '') : '';
    const role = roles.find(
      (candidate) =>
        candidate.kind === roleRef.kind &&
        candidate.metadata.name === roleRef.name &&
        (roleRef.kind === 'ClusterRole' || candidate.metadata.namespace === namespace),
    );
    if (role === undefined) throw new Error(`a binding names ${roleRef.kind} ${roleRef.name}, which is not there`);
    return subjects.flatMap((subject) =>
      (role.rules ?? []).flatMap(({ apiGroups = [], resources = [], verbs, resourceNames = [] }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            verbs.map((verb) => ({
              account: `${subject.namespace ?? ''}/${subject.name}`,
              namespace,
              group,
              resource,
              verb,
              names: resourceNames,
            })),
          ),
        ),
      ),
    );
  });

const accountOf = ({ user }: AuditEvent): string =>
  user.username.replace(/^system:serviceaccount:/, '').replace(':', '/');

/** A list or watch of one object by its name is allowed by that name, which is in its field selector. */
const nameOf = ({ objectRef, requestURI }: AuditEvent): string =>
  objectRef?.name ?? /fieldSelector=metadata\.name%3D([^&]+)/.exec(requestURI)?.[1] ?? '';

/**
 * Permissions that the API server asks for beside the request's own, without writing it down: a WebSocket of an exec is a
 * GET that may change something; an owner that blocks its deletion has to let itself be finalized, where a cluster has
 * the admission plugin OwnerReferencesPermissionEnforcement. That of `make up` has not: for half a minute after a
 * definition is installed, the plugin refuses every object that names an owner of its kind.
 */
const ASIDE: readonly {
  readonly resource: string;
  readonly verb: string;
  readonly by: Pick<Permission, 'group' | 'resource' | 'verb'>;
}[] = [
  { resource: 'pods/exec', verb: 'create', by: { group: '', resource: 'pods/exec', verb: 'get' } },
  { resource: 'sandboxes/finalizers', verb: 'update', by: { group: '', resource: 'pods', verb: 'create' } },
];

/** Whether the request is one of those that need this permission. */
export const uses = (event: AuditEvent, permission: Permission): boolean => {
  const aside = ASIDE.find(({ resource, verb }) => resource === permission.resource && verb === permission.verb);
  return usesItself(event, permission) || (aside !== undefined && usesItself(event, { ...permission, ...aside.by }));
};

const usesItself = (event: AuditEvent, permission: Permission): boolean => {
  const { objectRef } = event;
  if (objectRef === undefined || accountOf(event) !== permission.account) return false;
  const { resource = '', subresource, apiGroup = '', namespace = '' } = objectRef;
  return (
    event.verb === permission.verb &&
    apiGroup === permission.group &&
    (subresource === undefined ? resource : `${resource}/${subresource}`) === permission.resource &&
    (permission.namespace === '' || permission.namespace === namespace) &&
    (permission.names.length === 0 || permission.names.includes(nameOf(event)))
  );
};

export const isRefused = ({ annotations }: AuditEvent): boolean =>
  annotations?.['authorization.k8s.io/decision'] === 'forbid';

export const describePermission = ({ account, namespace, group, resource, verb, names }: Permission): string =>
  `${account}: ${verb} ${group === '' ? resource : `${resource}.${group}`}${names.length === 0 ? '' : ` ${names.join(',')}`}${namespace === '' ? '' : ` in ${namespace}`}`;

export const describeRequest = (event: AuditEvent): string => `${accountOf(event)}: ${event.verb} ${event.requestURI}`;
