import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const searchProgram = readFileSync(new URL('../support/e2e/inspect/readable-secrets.py', import.meta.url), 'utf8');

/** `Key:\tvalue` lines of /proc/self/status. */
const statusFields = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split('\n').map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]));

scenario('the namespace of the sandboxes refuses a pod that asks for privileges', 30, async ({ kubectl }) => {
  const pod = (name: string, securityContext: object): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'a', image: 'a', securityContext }] },
    });
  for (const securityContext of [
    { privileged: true },
    { runAsUser: 0 },
    { capabilities: { add: ['SYS_ADMIN'] } },
    {},
  ]) {
    const refused = await kubectl.attempt(['create', '-f', '-'], { stdin: pod('asks-for-more', securityContext) });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('violates PodSecurity "restricted');
  }
});

scenario('the process in a sandbox has no capability and cannot gain a privilege', 90, async (cluster) => {
  const { name } = aSandbox('least');
  await cluster.start(aSandbox('least').named(name));
  const status = statusFields(await cluster.shell(name, 'cat /proc/self/status'));
  const none = '0000000000000000';
  expect(Object.fromEntries(status)).toMatchObject({
    CapInh: none,
    CapPrm: none,
    CapEff: none,
    CapBnd: none,
    CapAmb: none,
    NoNewPrivs: '1',
    Seccomp: '2',
    Uid: '1000\t1000\t1000\t1000',
    Gid: '1000\t1000\t1000\t1000',
  });
  // The first process as well: what is set for exec alone would not count.
  const first = statusFields(await cluster.shell(name, 'cat /proc/1/status'));
  expect(Object.fromEntries(first)).toMatchObject({ CapBnd: none, NoNewPrivs: '1', Seccomp: '2' });

  const refused = await cluster.shell(
    name,
    `for attempt in 'mount -t tmpfs none /mnt' 'unshare --user --map-root-user true' 'touch /etc/hosts.new' \\
                    'chroot / true' 'mknod /tmp/disk b 8 0' 'cat /proc/1/root/etc/shadow' 'dmesg'; do
       if $attempt >/dev/null 2>&1; then echo "allowed: $attempt"; fi
     done`,
  );
  expect(refused).toBe('');
});

scenario('a sandbox has no device but the default ones', 90, async (cluster) => {
  const sandbox = aSandbox('devices');
  await cluster.start(sandbox);
  const devices = (
    await cluster.shell(sandbox.name, 'find /dev \\( -type b -o -type c \\) -not -path "/dev/pts/*" | sort')
  )
    .trimEnd()
    .split('\n');
  const defaults = ['console', 'full', 'null', 'ptmx', 'random', 'tty', 'urandom', 'zero'].map(
    (name) => `/dev/${name}`,
  );
  expect(devices.filter((device) => !defaults.includes(device))).toEqual([]);
});

scenario(
  'a sandbox holds no credential but a token that only the facade takes, and no way to the API [T7]',
  90,
  async (cluster) => {
    const { environment } = cluster;
    const sandbox = aSandbox('secretless');
    await cluster.start(sandbox);

    // kubelet always adds the address of the API server (KUBERNETES_*, *_SERVICE_*): an address, not a right.
    const variables = await cluster.shell(sandbox.name, 'env -0 | tr "\\0" "\\n" | cut -d= -f1');
    const telling = variables.split('\n').filter((name) => /^AWS_|^MATRX_|TOKEN|SECRET|PASSWORD|API_KEY/.test(name));
    // A path, public keys and the pod's own uid: none of them is a secret.
    expect(telling.toSorted()).toEqual(['MATRX_POD_UID', 'MATRX_SANDBOXD_KEYS', 'MATRX_TOKEN_FILE']);
    expect(await cluster.shell(sandbox.name, 'ls -L /var/run/secrets /run/secrets | sort -u')).toBe(
      '\n/run/secrets:\n/var/run/secrets:\nmatrx.dev\n',
    );
    expect(
      await cluster.shell(sandbox.name, 'find / -xdev -name token -path "*serviceaccount*" 2>/dev/null || true'),
    ).toBe('');

    // As hex, so that neither this program nor its command line holds what it looks for.
    const secrets = [environment.AWS_SECRET_ACCESS_KEY, environment.AWS_ACCESS_KEY_ID, environment.MATRX_API_KEY];
    const args = secrets.map((secret) => Buffer.from(secret).toString('hex'));
    const found = (await cluster.python(sandbox.name, searchProgram, { args })).trimEnd().split('\n');
    expect(found.slice(0, -1)).toEqual([]);
    expect(Number(found.at(-1))).toBeGreaterThan(10);

    // Whoever finds the API server is nobody there, also with the token for the facade.
    const pods = '"https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/sandboxes/pods"';
    const ask = `curl --silent --insecure --max-time 10 --output /dev/null --write-out "%{http_code}"`;
    expect(['000', '401', '403']).toContain(await cluster.shell(sandbox.name, `${ask} ${pods} || true`));
    const withToken = `${ask} --header "Authorization: Bearer $(cat "$MATRX_TOKEN_FILE")" ${pods} || true`;
    expect(['000', '401']).toContain(await cluster.shell(sandbox.name, withToken));
  },
);
