import { API_GROUP, API_VERSION } from '../api/names.ts';
import type { ResourceType } from './client.ts';

const core = (kind: string, plural: string, namespaced = true): ResourceType =>
  Object.freeze({ group: '', version: 'v1', kind, plural, namespaced });
const matrx = (kind: string, plural: string): ResourceType =>
  Object.freeze({ group: API_GROUP, version: API_VERSION, kind, plural, namespaced: true });

export const SANDBOXES = matrx('Sandbox', 'sandboxes');
export const WORKSPACES = matrx('Workspace', 'workspaces');
export const SANDBOX_TEMPLATES = matrx('SandboxTemplate', 'sandboxtemplates');
export const PODS = core('Pod', 'pods');
export const NODES = core('Node', 'nodes', false);
export const CONFIG_MAPS = core('ConfigMap', 'configmaps');
export const SECRETS = core('Secret', 'secrets');
export const NAMESPACES = core('Namespace', 'namespaces', false);
export const LEASES: ResourceType = Object.freeze({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
});
export const EVENTS: ResourceType = Object.freeze({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
});
export const NETWORK_POLICIES: ResourceType = Object.freeze({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
});
export const TOKEN_REVIEWS: ResourceType = Object.freeze({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
});
