import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { systemClock as clock } from '../../../src/base/clock.ts';
import { systemRandom as random } from '../../../src/base/random.ts';
import { loadClusterAccess } from '../../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import { run } from '../../../src/local/command.ts';
import { makeManager } from '../../../src/runtime/manager.ts';
import { processSignals } from '../../../src/runtime/process-signals.ts';
import { makeLog } from '../../../src/telemetry/log.ts';
import { enforcerParts } from './enforcer.ts';
import { ruleset } from './ruleset.ts';

/**
 * Enforces the NetworkPolicies of the one-node cluster that `make up` builds where it cannot have k3s, with nftables.
 * What a cluster of several nodes, of IPv6 or without a bridge would need is not here.
 */
const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    table: { type: 'string' },
    node: { type: 'string' },
    bridge: { type: 'string' },
    'pod-cidr': { type: 'string' },
  },
});
const { kubeconfig, table, node, bridge, 'pod-cidr': cidr } = values;
if (!kubeconfig || !table || !node || !bridge || !cidr) {
  throw new Error('needs --kubeconfig=, --table=, --node=, --bridge= and --pod-cidr=');
}

/** Without these, what goes from pod to pod over the bridge would pass all rules by. */
for (const setting of ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables']) {
  const value = await readFile(`/proc/sys/net/bridge/${setting}`, 'utf8').catch(() => 'absent');
  if (value.trim() === '1') continue;
  throw new Error(
    `/proc/sys/net/bridge/${setting} is ${value.trim()}, not 1: policies between pods would not hold; load the kernel module br_netfilter`,
  );
}

const log = makeLog({ level: 'info', component: 'network-policy' });
const client = makeKubeClient({
  access: loadClusterAccess({ kubeconfig }),
  clock,
  userAgent: 'matrx-sandbox/network-policy',
});
const manager = makeManager({
  parts: enforcerParts({
    client,
    clock,
    random,
    log,
    rules: (state) => ruleset(state, { table, node, bridge, cidr }),
    load: async (rules, signal) => {
      await run(['nft', '-f', '-'], { input: rules, signal });
    },
  }),
  signals: processSignals,
  clock,
  log,
});
// The table stays: a restart changes nothing for anybody, and only `down` takes it away.
process.exitCode = await manager.run();
await client.close();
