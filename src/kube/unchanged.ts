import type { JsonPatchOperation } from './client.ts';

/** The first operation of a JSON patch that the API server refuses (`Conflict`) when the object has changed since that version. */
export const unchanged = (resourceVersion: string | undefined): JsonPatchOperation => ({
  op: 'replace',
  path: '/metadata/resourceVersion',
  value: resourceVersion ?? '',
});
