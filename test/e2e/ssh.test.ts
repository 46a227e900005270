import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { makeOpenSsh } from '../facade/ssh/support/openssh.ts';
import type { Access } from '../facade/ssh/support/ssh-facade.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const ask = (cluster: Cluster, method: string, path: string): Promise<Response> =>
  fetch(new URL(path, cluster.environment.MATRX_URL), {
    method,
    headers: { 'x-api-key': cluster.environment.MATRX_API_KEY },
    signal: AbortSignal.any([cluster.signal, AbortSignal.timeout(30_000)]),
  });

scenario(
  'a key from the API opens a sandbox for ssh, scp, sftp and rsync, until it is taken back [A1.11] [T5]',
  180,
  async (cluster) => {
    const name = await cluster.start(aSandbox('ssh').ephemeral());
    const answer = await ask(cluster, 'POST', `/sandboxes/${name}/access`);
    expect(answer.status).toBe(200);
    const access = (await answer.json()) as Access;
    const client = makeOpenSsh(access);

    expect(await client.ssh(['id -un; pwd; echo "$SANDBOX_ID"; cat; exit 7'], 'by stdin\n')).toMatchObject({
      code: 7,
      stdout: `agent\n/home/agent\n${name}\nby stdin\n`,
    });
    const terminal = await client.ssh(['-tt', 'stty size; tty']);
    expect(terminal).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ \d+\r\n\/dev\/pts\/\d+\r\n$/) });

    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => n % 251));
    const path = join(client.folder, 'sample');
    writeFileSync(path, bytes);
    expect(await client.scp([path, `${client.address}:by-scp`])).toMatchObject({ code: 0 });
    expect(await client.sftp(`rename by-scp by-sftp\nget by-sftp ${path}.back`)).toMatchObject({ code: 0 });
    expect(readFileSync(`${path}.back`).equals(bytes)).toBe(true);
    expect(await client.rsync(['-a', path, `${client.address}:by-rsync`])).toMatchObject({ code: 0 });
    expect(await cluster.shell(name, 'cmp by-sftp by-rsync; stat -c %s by-rsync')).toBe('3000000\n');

    // Nothing but the public half is kept, and taking it back ends what is open.
    const kept = await cluster.kubectl.run(['get', `sandbox/${name}`, '-o', 'yaml', '--show-managed-fields']);
    expect(kept).not.toContain('PRIVATE');
    const open = client.open([client.address, 'echo open; sleep 600']);
    await new Promise((resolve) => open.child.stdout.once('data', resolve));
    expect((await ask(cluster, 'DELETE', `/sandboxes/${name}/access/${access.id}`)).status).toBe(204);
    expect((await open.ended).code).toBe(255);
    // Every replica hears of it by its own watch.
    await eventually('the key opens nothing any more', async () => (await client.ssh(['true'])).code === 255, {
      deadlineMs: 30_000,
      signal: cluster.signal,
    });
  },
);
