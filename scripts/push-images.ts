// `make push-images`: builds both images and pushes them under TAG to PRODUCT_REPOSITORY and SANDBOX_REPOSITORY. A tag
// that is in the registry is left as it is: tags do not move, and a repetition finds what the first run pushed.
// Writes their names by digest to release/images.json.
import { join } from 'node:path';
import { CommandError, run } from '../src/local/command.ts';
import { writeImages } from './release-images.ts';
import { imageSettings } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');
const MINUTES = 60_000;

const show = (line: string): void => console.log(line);

/** Short-lived credentials of the registry; who is logged in otherwise needs none. */
const logIn = async (image: string): Promise<void> => {
  const [registry = ''] = image.split('/');
  const { REGISTRY_USER: user, REGISTRY_TOKEN: token } = process.env;
  const ecr = /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(registry);
  const credentials =
    ecr !== null
      ? { user: 'AWS', token: await run(['aws', 'ecr', 'get-login-password', '--region', ecr[1] ?? '']) }
      : user !== undefined && token !== undefined
        ? { user, token }
        : undefined;
  if (credentials === undefined) return;
  await run(['docker', 'login', '--username', credentials.user, '--password-stdin', registry], {
    input: credentials.token,
    timeoutMs: 2 * MINUTES,
  });
};

/** Whether the registry has it. Throws where the registry does not say. */
const isPushed = async (image: string): Promise<boolean> => {
  try {
    await run(['docker', 'pull', '--quiet', image], { timeoutMs: 15 * MINUTES });
    return true;
  } catch (error) {
    const isAbsent = error instanceof CommandError && /not found|manifest unknown|does not exist/i.test(error.output);
    if (isAbsent) return false;
    throw error;
  }
};

/** `kind` is one of `matrx image build`. Resolves with the name by digest. */
const push = async (kind: string, image: string): Promise<string> => {
  await logIn(image);
  if (await isPushed(image)) show(`${image} is in the registry`);
  else {
    await run([process.execPath, 'src/main.ts', 'image', 'build', kind, '--tag', image], {
      cwd: ROOT,
      onLine: show,
      timeoutMs: 45 * MINUTES,
    });
    await run(['docker', 'push', image], { onLine: show, timeoutMs: 15 * MINUTES });
  }
  const repository = image.slice(0, image.lastIndexOf(':'));
  const names = JSON.parse(
    await run(['docker', 'image', 'inspect', '--format', '{{json .RepoDigests}}', image]),
  ) as readonly string[];
  const byDigest = names.find((name) => name.startsWith(`${repository}@sha256:`));
  if (byDigest === undefined) throw new Error(`${image} has no digest of ${repository}: the engine did not push it`);
  return byDigest;
};

const { product, sandbox } = imageSettings();
const pushed = { product: await push('product', product), sandbox: await push('full', sandbox) };
await writeImages(pushed);
for (const name of Object.values(pushed)) show(name);
