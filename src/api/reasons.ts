/** Condition types and the closed sets of their reasons. They are API: programs decide by them. */
export const SandboxConditionType = {
  Ready: 'Ready',
  WorkspaceRestored: 'WorkspaceRestored',
  WorkspaceSaved: 'WorkspaceSaved',
  Reconciling: 'Reconciling',
  Stalled: 'Stalled',
} as const;

export const WorkspaceConditionType = { Ready: 'Ready', Saved: 'Saved', Conflict: 'Conflict' } as const;

/** Reasons of a Sandbox's conditions. */
export const Reason = {
  // Ready
  PodReady: 'PodReady',
  WaitingForWorkspace: 'WaitingForWorkspace',
  WorkspaceInUse: 'WorkspaceInUse',
  CreatingPod: 'CreatingPod',
  RestoringWorkspace: 'RestoringWorkspace',
  Unschedulable: 'Unschedulable',
  ImagePullFailed: 'ImagePullFailed',
  ContainerFailing: 'ContainerFailing',
  ContainersStarting: 'ContainersStarting',
  PodNameTaken: 'PodNameTaken',
  PodRefused: 'PodRefused',
  PodFailed: 'PodFailed',
  TemplateNotFound: 'TemplateNotFound',
  TemplateInvalid: 'TemplateInvalid',
  Stopping: 'Stopping',
  SavingWorkspace: 'SavingWorkspace',
  Stopped: 'Stopped',
  Suspended: 'Suspended',
  // WorkspaceRestored, WorkspaceSaved
  Restored: 'Restored',
  Empty: 'Empty',
  Ephemeral: 'Ephemeral',
  Saved: 'Saved',
  UnsavedChanges: 'UnsavedChanges',
  NotStarted: 'NotStarted',
  StorageUnreachable: 'StorageUnreachable',
  StorageForbidden: 'StorageForbidden',
  BucketNotFound: 'BucketNotFound',
  WorkspaceCorrupt: 'WorkspaceCorrupt',
  NodeDiskFull: 'NodeDiskFull',
  Fenced: 'Fenced',
  InternalError: 'InternalError',
  // Reconciling, Stalled
  Progressing: 'Progressing',
} as const;
export type Reason = (typeof Reason)[keyof typeof Reason];
