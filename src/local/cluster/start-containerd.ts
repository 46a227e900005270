import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { daemonEnvironment, type Local } from '../local.ts';
import type { StepContext } from '../step.ts';
import { waitForDaemon } from '../wait-for-daemon.ts';
import { cniConflist } from './cni.ts';
import { containerdConfig } from './containerd.ts';
import { refuseForeignKubelet } from './facts.ts';
import { prepareHost, recordHost } from './host.ts';
import { kubernetesCtr, kubernetesFolders } from './kubernetes-folders.ts';
import { PAUSE_IMAGE, buildPauseArchive } from './pause.ts';

/** The machine's settings, containerd, and the pause image in it. */
export const startContainerd = async (local: Local, context: StepContext): Promise<string> => {
  const { containerd, containerdConfig: configPath, cniData } = kubernetesFolders(local);
  await refuseForeignKubelet(local);
  await recordHost(local.paths.state);
  await prepareHost(local.node, context.log);
  for (const folder of [containerd.root, containerd.state, containerd.cniConf, cniData]) {
    await mkdir(folder, { recursive: true, mode: 0o711 });
  }
  const conflist = cniConflist(cniData, local.node.podCidr);
  const configuration = containerdConfig(containerd, PAUSE_IMAGE);
  await writeFile(join(containerd.cniConf, '10-matrx.conflist'), conflist);
  await writeFile(configPath, configuration);
  const started = await local.daemons.ensure({
    name: 'containerd',
    argv: ['containerd', `--config=${configPath}`],
    env: daemonEnvironment(local),
    configuration: configuration + conflist,
  });
  const ctr = kubernetesCtr(local);
  const list = (): Promise<string> => run([...ctr, 'images', 'ls', '-q'], { env: local.env });
  const images = await waitForDaemon(local, ['containerd'], list, {
    what: 'containerd',
    deadlineMs: 30_000,
    signal: context.signal,
  });
  if (!images.split('\n').includes(PAUSE_IMAGE)) {
    const archive = join(local.paths.cluster, 'pause.tar');
    await writeFile(archive, await buildPauseArchive(join(local.paths.cluster, 'pause'), context.log));
    await run([...ctr, 'images', 'import', archive], { env: local.env, log: context.log });
  }
  return started ? 'containerd started' : 'containerd runs';
};
