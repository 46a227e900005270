/** What the supervisor reports behind a stream's output (./supervisor-script.ts). */
export interface ExecRecord {
  readonly timedOut: boolean;
  readonly problem: '' | 'no-directory';
  readonly cwd: string;
}

export interface ExecOutput {
  readonly output: Buffer;
  /** Absent where the stream was cut before its end. */
  readonly record?: ExecRecord;
}

const NUL = '\0';

/** Takes a stream apart into what the command wrote and the record behind it, which only the nonce marks. */
export const parseExecOutput = (stream: Buffer, nonce: string): ExecOutput => {
  const mark = Buffer.from(`${NUL}${nonce}${NUL}`);
  const at = stream.indexOf(mark);
  if (at === -1) return { output: stream };
  const output = stream.subarray(0, at);
  const fields = stream
    .subarray(at + mark.length)
    .toString('utf8')
    .split(NUL);
  const [timedOut, problem, cwd] = fields;
  // The last field is there only if the NUL behind it is.
  if (fields.length < 4 || cwd === undefined) return { output };
  return {
    output,
    record: { timedOut: timedOut === '1', problem: problem === 'no-directory' ? problem : '', cwd },
  };
};
