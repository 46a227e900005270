import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Sandbox } from '../../../api/sandbox.ts';
import { rfc3339 } from '../../../base/clock.ts';
import type { Caller } from '../../caller.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { invalidInput } from '../../input-error.ts';
import { route } from '../../route.ts';
import { runningSandbox } from '../../running-sandbox.ts';
import { type AccessKey, MAX_ACCESS_KEYS, userNamesOf } from '../../ssh/access-key.ts';
import { addAccessKey } from '../../ssh/change-keys.ts';
import { KEY_TYPE, privateKeyPem, publicKeyLine, readPublicKey } from '../../ssh/openssh-key.ts';
import { type GatewayAddress, requireGateway } from '../../ssh/public-address.ts';
import { AccessKeyRepresentation, representAccessKey } from './list.ts';

const MAX_SECONDS = 86_400;
const DEFAULT_SECONDS = 3600;

const AccessRequest = z
  .strictObject({
    ttl_seconds: z.int().min(1).max(MAX_SECONDS).default(DEFAULT_SECONDS).describe('How long the key is good.'),
    public_key: z
      .string()
      .max(1024)
      .optional()
      .describe(`A key of one's own, as in its \`.pub\` file (${KEY_TYPE}); without it one is made.`),
  })
  .nullish();

/** The first five fields are the original's. */
const Access = z.object({
  private_key: z
    .string()
    .nullable()
    .describe("In OpenSSH's format. Shown once. Null where the key is the caller's own."),
  username: z.string().describe("Of a key of one's own it is the sandbox's id: the key may open others, too."),
  host: z.string(),
  port: z.int(),
  ssh_command: z.string().describe('With the private key in that file (mode 600).'),
  known_hosts: z.string().describe('A line for `~/.ssh/known_hosts`, by which the gateway proves who it is.'),
  ...AccessKeyRepresentation.shape,
});

export const giveAccessRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/access',
    operationId: 'giveAccess',
    tag: 'access',
    summary: 'An SSH key that opens a sandbox',
    description:
      `For \`ssh\`, \`scp\`, \`sftp\`, \`rsync\` and editors. A sandbox has ${MAX_ACCESS_KEYS} keys at most. A key of one's ` +
      'own that the sandbox knows already gets the new time. It opens nothing any more once the API key that asked for it ' +
      'is revoked, expires, or may no longer ask for it.',
    access: { kind: 'scope', scope: 'exec' },
    body: AccessRequest,
    // The original's status.
    responses: { 200: { description: 'The key, and how to use it.', schema: Access } },
    problems: ['not-found', 'bad-request', 'sandbox-not-running', 'too-many-access-keys'],
    handle: async (context, { params: { id = '' }, body }) => {
      const { clock, random, settings } = dependencies;
      const { publicKey, privateKey } = await keyPair(id, body?.public_key);
      const address = (): GatewayAddress => requireGateway(settings.ssh, context.get('host'));
      const require = (sandbox: Sandbox): void => {
        address();
        runningSandbox(sandbox);
      };
      const now = clock.now();
      const apiKey = apiKeyOf(dependencies, context.state.caller);
      const asked: AccessKey = {
        id: random.hex(8),
        publicKey,
        origin: privateKey === null ? 'brought' : 'made',
        createdAt: rfc3339(now),
        expiresAt: rfc3339(now + (body?.ttl_seconds ?? DEFAULT_SECONDS) * 1000),
        ...(apiKey === undefined ? {} : { apiKey }),
      };
      const { sandbox, key } = await addAccessKey(dependencies, context.state, { id, key: asked, require });
      const shown = representAccessKey(key);
      const about = { sandbox_id: id, user_id: sandbox.spec.userId, key_id: key.id, fingerprint: shown.fingerprint };
      context.state.log.info({ ...about, expires_at: key.expiresAt, origin: key.origin }, 'SSH key given out');
      const { host, port, knownHosts } = address();
      const [username = ''] = userNamesOf(key, id);
      context.set('Cache-Control', 'no-store');
      context.body = {
        private_key: privateKey,
        username,
        host,
        port,
        ssh_command: `ssh -i /tmp/${id}.pem -o StrictHostKeyChecking=no -p ${port} ${username}@${host}`,
        known_hosts: knownHosts,
        ...shown,
      } satisfies z.infer<typeof Access>;
    },
  });

/** A key of the ring, which can be taken back; a configured one cannot. */
const apiKeyOf = ({ keyRing }: FacadeDependencies, caller: Caller): string | undefined =>
  caller.kind === 'key' ? keyRing?.find(caller.id)?.id : undefined;

const generate = promisify(generateKeyPair);

const keyPair = async (
  sandbox: string,
  brought: string | undefined,
): Promise<{ readonly publicKey: string; readonly privateKey: string | null }> => {
  if (brought === undefined) {
    const { privateKey } = await generate('ed25519');
    return { publicKey: publicKeyLine(privateKey), privateKey: privateKeyPem(privateKey, sandbox) };
  }
  const publicKey = readPublicKey(brought);
  if (publicKey !== undefined) return { publicKey, privateKey: null };
  const msg = `Value error, takes one line of a .pub file, of a key of the type ${KEY_TYPE} (ssh-keygen -t ed25519)`;
  throw invalidInput([{ type: 'value_error', loc: ['body', 'public_key'], msg, input: brought }]);
};
