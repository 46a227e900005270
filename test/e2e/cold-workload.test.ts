import { expect } from '@jest/globals';
import { coldFiles, coldObjects, renameDuringUploads, runWorkload, startWithCold } from '../support/e2e/cold/cold.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

scenario(
  'git, a virtual environment, sqlite, appends, 2 GB and a renamed tree in /data/cold: the bucket has what the pod saw [A4.3]',
  1500,
  async (cluster) => {
    const sandbox = aSandbox('cold-work');
    const name = await startWithCold(cluster, sandbox);
    await runWorkload(cluster, name, 2048);
    const seen = await coldFiles(cluster, name);
    expect(Object.keys(seen).length).toBeGreaterThan(1400);
    await cluster.remove(name, 600_000);
    expect(await coldObjects(cluster, sandbox.userId)).toEqual(seen);

    const again = await startWithCold(cluster, sandbox.named(`${name}-again`));
    expect(await cluster.shell(again, 'git -C /data/cold/clone log --oneline | wc -l')).toBe('30\n');
    expect(await cluster.shell(again, '/data/cold/venv/bin/python -c "import pack49; print(pack49.NUMBER)"')).toBe(
      '49\n',
    );
  },
);

scenario(
  'folders and files that are renamed while they are uploaded are whole at once, and in the bucket',
  400,
  async (cluster) => {
    const sandbox = aSandbox('cold-renames');
    const name = await startWithCold(cluster, sandbox);
    await renameDuringUploads(cluster, name, 3);
    const seen = await coldFiles(cluster, name);
    expect(Object.keys(seen)).toHaveLength(3 * 420);
    await cluster.remove(name, 120_000);
    expect(await coldObjects(cluster, sandbox.userId)).toEqual(seen);
  },
);
