import { type Command, InvalidArgumentError, Option } from 'commander';

/** Where the keys are, and as whom. */
export interface KeyOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly json?: boolean;
}
export interface CreateKeyOptions extends KeyOptions {
  readonly user?: readonly string[];
  readonly allUsers?: boolean;
  readonly scope?: readonly string[];
  readonly name?: string;
  readonly expires?: string;
  readonly rate: number | 'none';
  readonly burst?: number;
  readonly sandboxes?: number;
  readonly e2b?: boolean;
}
export interface RotateKeyOptions extends KeyOptions {
  readonly overlap?: string;
  readonly e2b?: boolean;
}

const DEFAULT_RATE = 50;

/** The API keys of an installation, with the rights of the person's own kubeconfig. */
export const registerKeyCommand = (program: Command): void => {
  const keys = program.command('key').description('create, list, rotate and revoke the API keys of the facade');
  const add = (name: string, description: string): Command =>
    keys
      .command(name)
      .description(description)
      .option('--kubeconfig <file>', 'default: KUBECONFIG, ~/.kube/config')
      .option('--context <name>', "default: the kubeconfig's current one")
      .option('-n, --namespace <name>', 'where the product is installed', 'matrx-system')
      .option('--json', 'answer with JSON');

  add('create', 'make a key and print it, this once')
    .option('--user <id>', 'a user it may act for; may be given several times', collect)
    .option('--all-users', 'it may act for every user')
    .option('--scope <scope>', 'what it may do; may be given several times (default: everything)', collect)
    .option('--name <text>', 'what it is for')
    .option('--expires <when>', 'in 12h, 90d, 1y, or at a time such as 2027-01-01T00:00:00Z')
    .addOption(
      new Option('--rate <n>', 'requests a second for each replica of the facade, or none')
        .default(DEFAULT_RATE)
        .argParser(rate),
    )
    .option('--burst <n>', 'requests at once (default: twice the rate)', wholeNumber(1))
    .option('--sandboxes <n>', 'how many it may have at a time (default: any number)', wholeNumber(0))
    .option('--e2b', 'as the E2B SDKs want a key to look')
    .action(run<CreateKeyOptions>(async (options) => (await import('./key-create.ts')).createKey(options)));
  add('list', 'what keys there are; never their secrets').action(
    run<KeyOptions>(async (options) => (await import('./key-list.ts')).listKeys(options)),
  );
  add('revoke', 'take a key away; within seconds it is refused, and ends what it has under way')
    .argument('<id>', 'as `list` names it, or the whole key')
    .action(runOn<KeyOptions>(async (id, options) => (await import('./key-revoke.ts')).revokeKey(id, options)));
  add('rotate', 'give a key another secret and print it, this once')
    .argument('<id>', 'as `list` names it, or the whole key')
    .option('--overlap <duration>', 'how long the old secret is taken as well: 10m, 24h (default: not at all)')
    .option('--e2b', 'as the E2B SDKs want a key to look')
    .action(runOn<RotateKeyOptions>(async (id, options) => (await import('./key-rotate.ts')).rotateKey(id, options)));
};

const run =
  <Options>(action: (options: Options) => Promise<void>) =>
  (options: Options): Promise<void> =>
    report(() => action(options));

const runOn =
  <Options>(action: (id: string, options: Options) => Promise<void>) =>
  (id: string, options: Options): Promise<void> =>
    report(() => action(id, options));

const report = async (act: () => Promise<void>): Promise<void> => {
  const { reportKeyFailure } = await import('./key-context.ts');
  await act().catch(reportKeyFailure);
};

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const rate = (text: string): number | 'none' => {
  if (text === 'none') return text;
  const number = Number(text);
  if (number > 0 && number <= 100_000) return number;
  throw new InvalidArgumentError('takes a number of requests a second, more than 0 and at most 100000, or none');
};

const wholeNumber =
  (min: number) =>
  (text: string): number => {
    if (/^\d{1,6}$/.test(text) && Number(text) >= min) return Number(text);
    throw new InvalidArgumentError(`takes a whole number from ${min} to 999999`);
  };
