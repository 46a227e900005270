// `make fuzz`: schemathesis against the real facade on a cluster that is played (serve.ts), for MINUTES=10 unless given.
// It ends with 1 where schemathesis finds something, or where the facade does not outlive it.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonPrograms } from '../../scripts/python-programs.ts';
import { FUZZ_KEY } from './names.ts';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..', '..');
const REQUIREMENTS = join(HERE, 'requirements.txt');

const run = (command: string, args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

interface Facade {
  readonly url: string;
  readonly process: ChildProcess;
}

const startFacade = async (): Promise<Facade> => {
  const child = spawn(process.execPath, [join(HERE, 'serve.ts')], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) return { url: line, process: child };
  throw new Error('the facade ended before it listened');
};

const minutes = Number(process.env['MINUTES'] ?? 10);
const program = join(await pythonPrograms(REQUIREMENTS), 'schemathesis');
const facade = await startFacade();
const code = await run(program, [
  '--config-file',
  join(HERE, 'schemathesis.toml'),
  'run',
  `${facade.url}/openapi.json`,
  '--header',
  `X-API-Key: ${FUZZ_KEY}`,
  '--max-time',
  String(Math.round(minutes * 60)),
  // Of how it makes its examples, not of the API: most ways to spoil a file's path give another path.
  '--suppress-health-check=filter_too_much',
  ...process.argv.slice(2),
]);
const isAlive = facade.process.exitCode === null && (await fetch(`${facade.url}/health`)).ok;
facade.process.stdin?.end();
console.log(isAlive ? 'the facade has outlived it' : 'FAILED: the facade has ended');
process.exitCode = code === 0 && isAlive ? 0 : 1;
