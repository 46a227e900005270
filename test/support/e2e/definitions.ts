import type { ResourceType } from '../../../src/kube/client.ts';

/** Custom resource definitions, which only tests ask a client for. */
export const DEFINITIONS: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
