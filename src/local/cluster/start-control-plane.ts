import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import type { Local } from '../local.ts';
import type { StepContext } from '../step.ts';
import { waitForDaemon } from '../wait-for-daemon.ts';
import { writeAuditPolicy } from './audit.ts';
import { ensureCertificates } from './certificates.ts';
import { COMPONENTS, COMPONENT_CLIENTS } from './components.ts';
import { clientKubeconfig } from './kubeconfig.ts';
import { kubernetesFolders, kubernetesKubectl } from './kubernetes-folders.ts';
import { startComponent, type StartOptions } from './start-component.ts';

/** Certificates, etcd, the API server, the controllers and the scheduler. */
export const startControlPlane = async (
  local: Local,
  context: StepContext,
  options: StartOptions = {},
): Promise<string> => {
  const folders = kubernetesFolders(local);
  context.report('certificates');
  await ensureCertificates(local.paths.certificates, context.log);
  await mkdir(folders.configuration, { recursive: true, mode: 0o700 });
  await mkdir(folders.etcdData, { recursive: true, mode: 0o700 });
  // Only the product is audited, and what that costs is none of its own.
  await writeAuditPolicy(local.paths, options.isMeasured !== true);
  for (const client of COMPONENT_CLIENTS) {
    const content = await clientKubeconfig(local.paths.certificates, client);
    await writeFile(join(folders.configuration, `${client}.kubeconfig`), content, { mode: 0o600 });
  }
  const admin = await clientKubeconfig(local.paths.certificates, 'admin', { namespace: 'sandboxes' });
  await writeFile(local.paths.kubeconfig, admin, { mode: 0o600 });

  context.report('etcd and the API server');
  const started: string[] = [];
  for (const name of COMPONENTS.slice(0, 2)) if (await startComponent(local, name, options)) started.push(name);
  await waitForApi(local, context);
  for (const name of COMPONENTS.slice(2, 4)) if (await startComponent(local, name, options)) started.push(name);
  return started.length === 0 ? 'all parts run' : `started ${started.join(', ')}`;
};

const waitForApi = (local: Local, context: StepContext): Promise<unknown> =>
  waitForDaemon(
    local,
    ['etcd', 'kube-apiserver'],
    () => run([...kubernetesKubectl(local), 'get', '--raw=/readyz'], { env: local.env, timeoutMs: 10_000 }),
    { what: 'the API server', deadlineMs: 120_000, everyMs: 500, signal: context.signal },
  );
