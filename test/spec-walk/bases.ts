import type { Json } from '../../src/base/json.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import type { Kind } from '../support/spec-walk/fields.ts';

/** Longer than a walk: what ends by itself ends because of a change. */
const lifetime = { ttlSeconds: 31_536_000, onExpire: 'Stop', retainSeconds: 86_400 };
const minimal = { ...aSandbox('demo').build().spec, lifetime };

/** What a walk begins with: as little as there can be, and as much. */
export const BASES = {
  minimal: {
    Sandbox: minimal as unknown as Json,
    Workspace: { userId: 'ann' },
    SandboxTemplate: aTemplate().spec as unknown as Json,
  },
  full: {
    Sandbox: {
      ...minimal,
      image: 'example/other:1',
      resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: 1, memory: '128Mi' } },
      env: [{ name: 'COLOR', value: 'red' }],
      config: { theme: 'dark' },
      restartPolicy: 'Always',
      progressDeadlineSeconds: 60,
    } as unknown as Json,
    Workspace: {
      userId: 'ann',
      restore: { requestId: 'first', sequence: 1 },
      deletionPolicy: 'Retain',
      conflictsSeen: 1,
    },
    SandboxTemplate: {
      ...aTemplate().spec,
      resources: { limits: { cpu: 2, memory: '256Mi', 'ephemeral-storage': '1Gi' } },
      runtimeClassName: 'gvisor',
      env: [{ name: 'SHAPE', value: 'round' }],
      cold: { enabled: true, driver: 'rclone' },
      security: { sudo: false },
      network: {
        egress: 'AllowList',
        allowList: [{ cidr: '203.0.113.0/24', ports: [{ protocol: 'TCP', port: 443, endPort: 444 }] }],
      },
      allowedOverrides: {
        images: ['example/*'],
        env: ['*'],
        resources: true,
        maxResources: { cpu: 64, memory: '2Ti' },
      },
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<Kind, Json>>>>;
export type Base = keyof typeof BASES;
