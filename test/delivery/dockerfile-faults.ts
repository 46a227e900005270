interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** Comments and continued lines are put right; a here-document is not known. */
const instructionsOf = (text: string): readonly Instruction[] =>
  text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', value = ''] = /^\s*(\w+)\s*(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), value: value.trim() };
    });

const SECRET = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY/i;

/**
 * What hadolint does not say of a Dockerfile, or is not asked for: `images` are the stages that become one, beside the last.
 */
export const dockerfileFaults = (text: string, images: readonly string[] = []): readonly string[] => {
  const instructions = instructionsOf(text);
  const starts = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []));
  const stages = starts.map((start, index) => instructions.slice(start, starts[index + 1]));
  const nameOf = ([from]: readonly Instruction[]): string => / AS (\S+)$/i.exec(from?.value ?? '')?.[1] ?? '';
  const published = stages.filter((stage, index) => index === stages.length - 1 || images.includes(nameOf(stage)));
  return [
    ...images
      .filter((image) => !stages.some((stage) => nameOf(stage) === image))
      .map((image) => `there is no stage ${image}`),
    ...published.flatMap((stage) => {
      const user = stage.findLast(({ name }) => name === 'USER')?.value ?? 'whoever its base has';
      return /^[1-9]\d*:[1-9]\d*$/.test(user) ? [] : [`the image ${nameOf(stage)} ends as ${user}, not as a number`];
    }),
    ...instructions.flatMap(({ name, value }) => {
      if (name === 'ADD') return [`ADD ${value}: what it fetches is not checked`];
      if ((name === 'ARG' || name === 'ENV') && SECRET.test(value.split('=')[0] ?? '')) {
        return [`${name} ${value.split('=')[0] ?? ''} would be a secret in the image's history`];
      }
      return [];
    }),
  ];
};
