import type { Kubectl } from './kubectl.ts';

/** Everything a person would look at first after a failed test, as text. `targets` as in `sandbox/demo`. Never rejects. */
export const diagnose = async (kubectl: Kubectl, targets: Iterable<string>): Promise<string> => {
  const sections: [title: string, args: readonly string[]][] = [
    ['sandboxes', ['get', 'sandboxes,workspaces,pods', '-o', 'wide']],
    ...[...targets].map((target): [string, readonly string[]] => [
      `status of ${target}`,
      ['get', target, '--ignore-not-found', '-o', 'jsonpath={.status}'],
    ]),
    [
      'sessions',
      ['get', 'workspaces', '-o', 'jsonpath={range .items[*]}{.metadata.name}: {.status.session}{"\\n"}{end}'],
    ],
    ['events', ['get', 'events', '--sort-by=.metadata.creationTimestamp']],
    ['system pods', ['-n', 'matrx-system', 'get', 'pods', '-o', 'wide']],
    ...['matrx-controller', 'matrx-node', 'matrx-facade'].map((name): [string, readonly string[]] => [
      `log of ${name}`,
      ['-n', 'matrx-system', 'logs', `-lapp.kubernetes.io/name=${name}`, '--prefix', '--tail=40'],
    ]),
  ];
  const texts = await Promise.all(
    sections.map(async ([title, args]) => {
      const output = await kubectl.attempt(args, { deadlineMs: 20_000 }).then(
        ({ stdout, stderr }) => lastLines(`${stdout.toString()}${stderr}`),
        (error: unknown) => String(error),
      );
      return `── ${title}\n${output}`;
    }),
  );
  return texts.join('\n');
};

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-60).join('\n');
