import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { AGENT_ID } from '../api/names.ts';
import { systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { adoptHome } from '../workspace/adopt-home.ts';
import { formatBytes, progressLine, say, sayJson, withWorkspace } from './workspace-context.ts';
import type { CommitFromOptions } from './workspace.ts';

export const runCommit = (options: CommitFromOptions): Promise<number> =>
  withWorkspace(options, async ({ bucket, name, signal }) => {
    const from = resolve(options.from);
    const home = await adoptHome({
      ...bucket,
      ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
      writer: `${userInfo().username} at ${hostname()}`,
      home: from,
      state: resolve(options.state ?? `${from}.matrx-state`),
      ownerId: AGENT_ID,
      clock: systemClock,
      random: systemRandom,
    });
    try {
      const report = await home.commit({ final: true, signal, onProgress: progressLine('read') });
      const { head, skipped, skippedTotal } = report;
      if (options.json === true) sayJson(report);
      else if (!report.committed) say(`nothing has changed since sequence ${head.sequence} of ${name}`);
      else say(`committed ${head.files} files, ${formatBytes(head.bytes)}, as sequence ${head.sequence} of ${name}`);
      if (options.json !== true && skippedTotal > 0) {
        say(`not saved, for they are neither files, directories nor symlinks: ${skippedTotal}`);
        for (const path of skipped) say(`  ${JSON.stringify(path)}`);
      }
      return 0;
    } finally {
      await home.close();
    }
  });
