import { describe, expect, it } from '@jest/globals';
import { COMPONENTS, componentCommands } from '../../../src/local/cluster/components.ts';
import { containerdConfig } from '../../../src/local/cluster/containerd.ts';
import { privateMountsOf } from '../../../src/local/cluster/host.ts';
import { k3sDaemon } from '../../../src/local/cluster/k3s.ts';
import { withNamespace } from '../../../src/local/cluster/kubeconfig.ts';
import { FIRST_NODE } from '../../../src/local/cluster/network.ts';

const commands = componentCommands({
  kube: '/state/bin/kube',
  certificates: '/state/certificates',
  etcdData: '/state/etcd',
  configuration: '/state/configuration',
  kubeletRoot: '/var/lib/kubelet',
  node: FIRST_NODE,
  auditPolicy: '/state/audit-policy.json',
  auditLog: '/state/logs/audit.log',
});

describe('the parts of the cluster', () => {
  it('are all subcommands of the one program', () => {
    for (const name of COMPONENTS) expect(commands[name].slice(0, 2)).toEqual(['/state/bin/kube', name]);
  });

  it('listen on loopback or on the address that is on no outside interface', () => {
    const listening = COMPONENTS.flatMap((name) => commands[name]).filter((flag) =>
      /^--(bind-address|listen-.*|healthz-bind-address|metrics-bind-address)=/.test(flag),
    );
    expect(listening.length).toBeGreaterThan(5);
    for (const flag of listening) expect(flag).toMatch(/=(https:\/\/)?(127\.0\.0\.1|10\.97\.0\.1)(:\d+)?$/);
  });

  it('authorize every request', () => {
    expect(commands['kube-apiserver']).toContain('--authorization-mode=Node,RBAC');
    expect(commands['kube-apiserver']).toContain('--enable-admission-plugins=NodeRestriction');
    expect(commands.etcd).toContain('--client-cert-auth');
  });
});

it("containerd's configuration quotes paths and never lowers an oom score", () => {
  const text = containerdConfig(
    { root: '/a "b"', state: '/s', socket: '/s.sock', cniConf: '/c', cniBin: '/usr/lib/cni' },
    'matrx.local/pause:1',
  );
  expect(text).toContain('root = "/a \\"b\\""');
  expect(text).toContain('restrict_oom_score_adj = true');
  expect(text).toContain('sandbox_image = "matrx.local/pause:1"');
});

it('k3s runs with folders of its own and without what the product does not use', () => {
  const folders = { data: '/state/k3s', kubeconfig: '/state/k3s.yaml', auditPolicy: '/p', auditLog: '/l' };
  const { argv } = k3sDaemon('/bin/k3s', folders, {});
  expect(argv).toEqual(expect.arrayContaining(['--data-dir=/state/k3s', '--disable=traefik,servicelb,metrics-server']));
});

describe('a kubeconfig', () => {
  it('gets a namespace in its current context alone', () => {
    const text = `
current-context: b
contexts:
  - {name: a, context: {cluster: a, user: a}}
  - {name: b, context: {cluster: b, user: b, namespace: default}}
`;
    const contexts = [
      { name: 'a', context: { cluster: 'a', user: 'a' } },
      { name: 'b', context: { cluster: 'b', user: 'b', namespace: 'sandboxes' } },
    ];
    expect(JSON.parse(withNamespace(text, 'sandboxes'))).toMatchObject({ contexts });
  });

  it.each(['', 'contexts: []', 'current-context: gone\ncontexts: [{name: a, context: {}}]'])(
    'without a current context is refused: %j',
    (text) => {
      expect(() => withNamespace(text, 'sandboxes')).toThrow('no current context');
    },
  );
});

describe('mounts that are not shared', () => {
  const mount = (point: string, optional = ''): string =>
    `28 1 254:0 / ${point} rw,relatime${optional} - ext4 /dev/vda rw\n`;

  it('are found where a path lies, also when that is a file system of its own', () => {
    const mountinfo = mount('/') + mount('/proc') + mount('/var', ' shared:3') + mount('/var/lib/kubelet');
    expect(privateMountsOf(mountinfo, ['/', '/var/lib/kubelet', '/var/lib/matrx'])).toEqual(['/', '/var/lib/kubelet']);
  });

  it('are those that lie on top', () => {
    expect(privateMountsOf(mount('/') + mount('/', ' shared:1'), ['/'])).toEqual([]);
    expect(privateMountsOf(mount('/', ' shared:1') + mount('/'), ['/', '/var/lib/matrx'])).toEqual(['/']);
  });
});
