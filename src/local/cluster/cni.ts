import { POD_INTERFACE } from './network.ts';

/**
 * The pods' network: one bridge, addresses from the node's range. The way out is masqueraded by the rules of
 * firewall.ts and not by the plugin, so that a pod that is killed hard leaves no rule behind.
 */
export const cniConflist = (dataDir: string, podCidr: string): string =>
  `${JSON.stringify(
    {
      cniVersion: '1.0.0',
      name: 'matrx',
      plugins: [
        {
          type: 'bridge',
          bridge: POD_INTERFACE,
          isGateway: true,
          ipMasq: false,
          hairpinMode: true,
          ipam: {
            type: 'host-local',
            dataDir,
            ranges: [[{ subnet: podCidr }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    null,
    2,
  )}\n`;
