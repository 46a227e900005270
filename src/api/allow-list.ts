import { z } from 'zod';

/**
 * No sandbox ever reaches these, whatever a list says: this machine, instance metadata (169.254.169.254,
 * 169.254.170.0/24, fd00:ec2::254), everybody at once, and what nobody has. Of IPv6 see REACHABLE_IPV6 as well.
 */
export const NEVER_REACHED = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  'fd00:ec2::/32',
] as const;
/** What is given out to the world, and private networks; what wraps an IPv4 address is in neither. */
export const REACHABLE_IPV6 = ['2000::/3', 'fc00::/7'] as const;

const within = (ranges: readonly string[]): string =>
  ranges.map((range) => `cidr('${range}').containsCIDR(cidr(self))`).join(' || ');

/** Each rule but the first is of a block only: CEL ends with an error where it is none. */
const ofABlock = (rule: string, message: string) => ({ rule: `!isCIDR(self) || ${rule}`, message });

/** `203.0.113.0/24`: no bit set beyond its length, so that each block is written in one way. */
const AllowedCidr = z
  .string()
  .min(1)
  .max(43)
  .meta({
    'x-kubernetes-validations': [
      { rule: 'isCIDR(self)', message: 'must be a block of addresses: 203.0.113.0/24, 203.0.113.7/32, 2001:db8::/48' },
      ofABlock(
        'cidr(self) == cidr(self).masked()',
        'has bits set beyond its length: write 203.0.113.0/24, not 203.0.113.7/24',
      ),
      ofABlock(`!(${within(NEVER_REACHED)})`, `is never reached: ${NEVER_REACHED.join(', ')}`),
      ofABlock(
        `cidr(self).ip().family() == 4 || ${within(REACHABLE_IPV6)}`,
        `must be within ${REACHABLE_IPV6.join(' or ')}, which is all of IPv6 that can be reached`,
      ),
    ],
  });

const AllowedPort = z
  .object({
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
    port: z.int().min(1).max(65_535),
    endPort: z.int().min(1).max(65_535).optional().describe('The last of a range that begins with port.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '!has(self.endPort) || self.endPort >= self.port',
        message: 'endPort must not be less than port',
        fieldPath: '.endPort',
      },
    ],
  });

/** Where a sandbox may open connections to, as NetworkPolicies say it: blocks of addresses, and ports. */
export const AllowedTarget = z.object({
  cidr: AllowedCidr.describe(
    'A block of addresses. Of one that is wider than a private network, that network is left out: 0.0.0.0/0 is the internet alone.',
  ),
  ports: z.array(AllowedPort).min(1).max(32).optional().describe('Without it every port of every protocol.'),
});
export type AllowedTarget = z.infer<typeof AllowedTarget>;
