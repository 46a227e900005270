/** Names that other systems see: renaming one is an API change. */
export const API_GROUP = 'matrx.dev';
export const API_VERSION = 'v1alpha1';
export const GROUP_VERSION = `${API_GROUP}/${API_VERSION}`;

/** The CSI driver's name; also the audience of the pod-bound tokens kubelet hands it. */
export const CSI_DRIVER_NAME = 'workspace.matrx.dev';

/** Held by a Sandbox until its home is saved and its writer released. */
export const SANDBOX_FINALIZER = 'matrx.dev/workspace';

/** Held by a Workspace while it exists, so that no writer's lock is lost with the object. */
export const WORKSPACE_FINALIZER = 'matrx.dev/writer';

/** Labels are indexes for people and selectors; nothing trusts them. */
export const LABEL_SANDBOX = 'matrx.dev/sandbox';
export const LABEL_MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = 'matrx-sandbox';
/** `workspaceId(userId)`: a label value cannot hold every user id. */
export const LABEL_USER = 'matrx.dev/user';
/** On a Workspace whose files are to be deleted from the bucket: what node drivers look for (src/node/purge-workspaces.ts). */
export const LABEL_PURGE = 'matrx.dev/purge';
/** What a pod may reach, where that is not the internet: manifests/base/network-policy.yaml selects by it. */
export const LABEL_EGRESS = 'matrx.dev/egress';
/** Of a pod whose template has an allow-list: what the one NetworkPolicy that opens it selects by (src/domain/allow-list.ts). */
export const LABEL_ALLOW_LIST = 'matrx.dev/allow-list';
/** The SandboxTemplate that a pod was made from, where a label can hold its name. */
export const LABEL_TEMPLATE = 'matrx.dev/template';
/** The id of the API key that a Sandbox was created with. */
export const LABEL_API_KEY = 'matrx.dev/api-key';

/** On a pod: what its Sandbox and template said when it was made, hashed. A pod that stands still is replaced when they say otherwise. */
export const ANNOTATION_POD_REVISION = 'matrx.dev/pod-revision';
/** Why desiredState was set to Stopped, one of StopReason; whoever sets it says so here. Absent: user_requested. */
export const ANNOTATION_STOP_REASON = 'matrx.dev/stop-reason';
/** Seconds the processes get to end by themselves, in place of the template's; the home is saved in any case. */
export const ANNOTATION_STOP_GRACE_SECONDS = 'matrx.dev/stop-grace-seconds';
/**
 * RFC 3339, written by the facade, not once a heartbeat but at most every 30 s (src/facade/activity/): the controller
 * copies it into the status of a run that it belongs to. In an annotation, so that whoever may only patch a Sandbox can
 * send one.
 */
export const ANNOTATION_LAST_HEARTBEAT = 'matrx.dev/last-heartbeat';
/**
 * RFC 3339, written by a facade for a Sandbox that has idleSeconds: when somebody last used it through that replica. Not
 * once a command but once a quarter of idleSeconds (src/facade/activity/), and never an earlier time over a later one.
 */
export const ANNOTATION_LAST_ACTIVITY = 'matrx.dev/last-activity';
/**
 * Any new text of 1 to 64 characters begins a new run of a Sandbox whose lifetime is over and whose desiredState is
 * still Running: a resume in one patch. While a run is going on it means nothing, then or later.
 */
export const ANNOTATION_NEW_RUN = 'matrx.dev/new-run';
/** `<Reason>: <message>` of a start that the facade gave up on, for those who read the record later. */
export const ANNOTATION_START_FAILURE = 'matrx.dev/start-failure';

/**
 * W3C Trace Context. On a Sandbox, written by a facade with what it asks for, where traces are on: of what trace the
 * controller's passes are until that is done. On a pod: of what trace the node driver's work for its start is.
 */
export const ANNOTATION_TRACEPARENT = 'matrx.dev/traceparent';

/**
 * JSON, a map of strings: what an app wants to find its sandboxes by. An annotation and no labels, because a label's
 * value may have 63 characters of a small alphabet and this is anybody's text; only the facade searches it.
 */
export const ANNOTATION_METADATA = 'matrx.dev/metadata';
/** JSON: what the sandbox said when it was done, or when it gave up (src/facade/sandbox-report.ts). */
export const ANNOTATION_RESULT = 'matrx.dev/result';
export const ANNOTATION_ERROR = 'matrx.dev/error';
/** JSON: which Idempotency-Key a Sandbox was made for, and for which request, both as hashes. */
export const ANNOTATION_IDEMPOTENCY = 'matrx.dev/idempotency';
/** JSON: the public halves of the keys that open a sandbox by SSH (src/facade/ssh/access-key.ts). */
export const ANNOTATION_SSH_KEYS = 'matrx.dev/ssh-keys';
/** One annotation for each webhook endpoint: the last event of each kind that it has got. */
export const ANNOTATION_WEBHOOK_PREFIX = 'webhook.matrx.dev/';

export const FIELD_MANAGER_CONTROLLER = 'matrx-controller';
export const FIELD_MANAGER_FACADE = 'matrx-facade';
export const FIELD_MANAGER_NODE = 'matrx-node';

/** The ConfigMap in the system namespace where each node driver reports whether it reaches the bucket. */
export const STORAGE_CONFIG_MAP = 'matrx-storage';
/** The Secret in the system namespace with one entry for each API key. */
export const API_KEYS_SECRET = 'matrx-api-keys';

export const HOT_PATH = '/home/agent';
/** Where the volume is in whose sub-directory cold storage is mounted: a mount that comes later is seen below it. */
export const COLD_VOLUME_PATH = '/data';
export const COLD_PATH = '/data/cold';
/** The agent's uid and gid in every sandbox. */
export const AGENT_ID = 1000;
/** The audience of the token by which a sandbox proves to the facade which pod it is; no other server accepts it. */
export const FACADE_AUDIENCE = 'facade.matrx.dev';
/** Where kubelet keeps that token fresh in every sandbox. */
export const FACADE_TOKEN_PATH = '/var/run/secrets/matrx.dev/token';

/** The one container of a sandbox pod. */
export const SANDBOX_CONTAINER = 'sandbox';
