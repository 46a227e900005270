/** Condition types and the closed sets of their reasons. They are API: programs decide by them. */
export const SandboxConditionType = {
  /** While it is asked to run and may; Stopped takes its place at rest: src/api/standing.ts. */
  Ready: 'Ready',
  Stopped: 'Stopped',
  WorkspaceRestored: 'WorkspaceRestored',
  WorkspaceSaved: 'WorkspaceSaved',
  ColdMounted: 'ColdMounted',
  Reconciling: 'Reconciling',
  Stalled: 'Stalled',
} as const;

export const WorkspaceConditionType = {
  Ready: 'Ready',
  Saved: 'Saved',
  Conflict: 'Conflict',
  Reconciling: 'Reconciling',
  Stalled: 'Stalled',
} as const;

/** Reasons of the conditions of Sandboxes and Workspaces. */
export const Reason = {
  // Sandbox Ready: on the way up
  WaitingForWorkspace: 'WaitingForWorkspace',
  WorkspaceInUse: 'WorkspaceInUse',
  WorkspaceMismatch: 'WorkspaceMismatch',
  TemplateNotFound: 'TemplateNotFound',
  OverrideNotAllowed: 'OverrideNotAllowed',
  AllowListRefused: 'AllowListRefused',
  QuotaExceeded: 'QuotaExceeded',
  CreatingPod: 'CreatingPod',
  PodNameTaken: 'PodNameTaken',
  PodRefused: 'PodRefused',
  UserNamespacesUnavailable: 'UserNamespacesUnavailable',
  Unschedulable: 'Unschedulable',
  RestoringWorkspace: 'RestoringWorkspace',
  ImagePullFailed: 'ImagePullFailed',
  ContainersStarting: 'ContainersStarting',
  ContainerFailing: 'ContainerFailing',
  PodReady: 'PodReady',
  PodNotReady: 'PodNotReady',
  // Sandbox Ready: on the way down
  PodFailed: 'PodFailed',
  PodTerminating: 'PodTerminating',
  NodeLost: 'NodeLost',
  Stopping: 'Stopping',
  SavingWorkspace: 'SavingWorkspace',
  // Sandbox Stopped
  Stopped: 'Stopped',
  Suspended: 'Suspended',
  // It ended by itself; stopReason is expired for each of them, and error for PodLost
  Expired: 'Expired',
  Idle: 'Idle',
  HeartbeatMissed: 'HeartbeatMissed',
  PodLost: 'PodLost',
  // WorkspaceRestored, WorkspaceSaved, and a Workspace's Ready and Saved
  NotStarted: 'NotStarted',
  Restored: 'Restored',
  Ephemeral: 'Ephemeral',
  Empty: 'Empty',
  Saved: 'Saved',
  UnsavedChanges: 'UnsavedChanges',
  InUse: 'InUse',
  Available: 'Available',
  Terminating: 'Terminating',
  Purging: 'Purging',
  NoConflict: 'NoConflict',
  // ColdMounted; the last two are the words of ColdReason
  Mounting: 'Mounting',
  Mounted: 'Mounted',
  UploadingFiles: 'UploadingFiles',
  CredentialsFailed: 'CredentialsFailed',
  MountFailed: 'MountFailed',
  // What the node driver says holds a session up: the same words as SessionReason
  StorageUnreachable: 'StorageUnreachable',
  StorageForbidden: 'StorageForbidden',
  BucketNotFound: 'BucketNotFound',
  WorkspaceCorrupt: 'WorkspaceCorrupt',
  RestoreRefused: 'RestoreRefused',
  NodeDiskFull: 'NodeDiskFull',
  Fenced: 'Fenced',
  InternalError: 'InternalError',
  // Reconciling, Stalled: the word of Ready is repeated, so that either can be read alone
} as const;
export type Reason = (typeof Reason)[keyof typeof Reason];

/** What Stopped says of a Sandbox that has ended by itself, with its home let go. */
export const EXPIRED_REASONS: readonly string[] = [Reason.Expired, Reason.Idle, Reason.HeartbeatMissed, Reason.PodLost];
