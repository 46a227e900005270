export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Where the command's shell was when it ended. */
  readonly cwd: string;
  readonly timedOut: boolean;
  /** Whether output was left out, because there was more than `maxOutputBytes` of it. */
  readonly truncated: boolean;
}
