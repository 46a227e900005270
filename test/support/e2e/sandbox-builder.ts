import type { z } from 'zod';
import { GROUP_VERSION } from '../../../src/api/names.ts';
import type { SandboxSpec } from '../../../src/api/sandbox.ts';
import { uniqueName } from './names.ts';

type Spec = z.input<typeof SandboxSpec>;

/** A Sandbox as a person would write it. Every method gives a new builder. */
export interface SandboxBuilder {
  readonly name: string;
  readonly userId: string;
  readonly named: (name: string) => SandboxBuilder;
  readonly ofUser: (userId: string) => SandboxBuilder;
  readonly ephemeral: () => SandboxBuilder;
  readonly with: (spec: Partial<Spec>) => SandboxBuilder;
  readonly build: () => object;
}

const builder = (name: string, spec: Spec): SandboxBuilder =>
  Object.freeze<SandboxBuilder>({
    name,
    userId: spec.userId,
    named: (newName) => builder(newName, spec),
    ofUser: (userId) => builder(name, { ...spec, userId }),
    ephemeral: () => builder(name, { ...spec, workspace: { ephemeral: true } }),
    with: (more) => builder(name, { ...spec, ...more }),
    build: () => ({ apiVersion: GROUP_VERSION, kind: 'Sandbox', metadata: { name }, spec }),
  });

/** A Sandbox with a name and a user of its own. `label` is the beginning of both. */
export const aSandbox = (label = 'sbx'): SandboxBuilder =>
  builder(uniqueName(label), { userId: uniqueName(`user-${label}`) });
