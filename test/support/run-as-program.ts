/** The side of the program that startProgram (program.ts) starts: its options, and an end when nobody is left who started it. */
export const readOptions = (): unknown => {
  process.stdin.once('end', () => process.exit(0)).resume();
  return JSON.parse(process.argv[2] ?? '{}');
};

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
