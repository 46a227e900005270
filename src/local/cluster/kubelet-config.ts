import { join } from 'node:path';

/**
 * kubelet's configuration. JSON, which is YAML.
 *
 * - cgroup v1 and swap are accepted: a developer's machine has what it has.
 * - Images are never collected: they were loaded from this machine and no registry could give them back.
 * - A container that has ended is started again within two seconds, however often: whoever kills one here wants to see it
 *   come back, and kubelet's own minutes of waiting are for clusters that have to be protected from it.
 * - The eviction limits are low: the machine is shared with its owner, whose full disk must not end sandboxes early.
 */
export const kubeletConfig = (options: {
  readonly address: string;
  readonly podLogs: string;
  readonly certificates: string;
  readonly containerdSocket: string;
  readonly resolvConf: string;
  readonly clusterDns: readonly string[];
}): string => {
  const { address, podLogs, certificates, containerdSocket, resolvConf, clusterDns } = options;
  return `${JSON.stringify(
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      address,
      healthzBindAddress: '127.0.0.1',
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: join(certificates, 'cluster-ca.crt') },
      },
      authorization: { mode: 'Webhook' },
      tlsCertFile: join(certificates, 'kubelet-server.crt'),
      tlsPrivateKeyFile: join(certificates, 'kubelet-server.key'),
      containerRuntimeEndpoint: `unix://${containerdSocket}`,
      podLogsDir: podLogs,
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      failSwapOn: false,
      memorySwap: {},
      resolvConf,
      clusterDNS: clusterDns,
      clusterDomain: 'cluster.local',
      serializeImagePulls: false,
      registryPullQPS: 0,
      eventRecordQPS: 0,
      imageGCHighThresholdPercent: 100,
      evictionHard: {
        'memory.available': '100Mi',
        'nodefs.available': '1Gi',
        'nodefs.inodesFree': '1%',
        'imagefs.available': '1Gi',
        'imagefs.inodesFree': '1%',
      },
      maxPods: 200,
      crashLoopBackOff: { maxContainerRestartPeriod: '2s' },
      oomScoreAdj: 0,
      logging: { format: 'text' },
    },
    null,
    2,
  )}\n`;
};
