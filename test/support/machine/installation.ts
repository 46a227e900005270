import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import { succeed } from '../e2e/command.ts';
import { copyCheckout, earlierCheckout } from './checkouts.ts';
import { insertImageDisk, makeImageDisk, saveImage } from './image-disk.ts';
import { type Machine, startMachine } from './machine.ts';

/** Not the folder for scratch files: that may be in memory, where containers cannot have their layers. */
const PLACE = '/var/tmp';

/** A version of the product. */
export interface Version {
  readonly checkout: string;
  readonly product: string;
  /** Of both the same: it reaches a sandbox only with its next pod. */
  readonly sandbox: string;
}

/** What machines of one test file have in common: a folder, images on disk, and two versions of the product. */
export interface Installations {
  readonly current: Version;
  readonly earlier: Version;
  /** Which version `earlier` is. */
  readonly which: string;
  /** A machine with the images on its disk, and nothing else. It is switched off with all others. */
  readonly machine: (name: string) => Promise<Machine>;
  /** Switches one on again that was switched off, with what is on its disk. */
  readonly restart: (machine: Machine) => Promise<Machine>;
  readonly remove: () => Promise<void>;
}

/** Builds the earlier version and collects the images of both. Takes a minute. */
export const prepareInstallations = async (signal: AbortSignal): Promise<Installations> => {
  const folder = await mkdtemp(join(PLACE, 'matrx-'));
  const [current, earlier, disk] = ['current', 'earlier', 'images'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const machines: Machine[] = [];
  const switchOn = async (own: string): Promise<Machine> => {
    const machine = await startMachine(own, signal);
    machines.push(machine);
    return machine;
  };
  const remove = async (): Promise<void> => {
    for (const machine of machines) await machine.powerOff();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await copyCheckout(current);
    const which = await earlierCheckout(earlier, signal);
    const archives: string[] = [];
    // Each is saved before the next is built: of a repository the engine keeps the newest image alone.
    const build = async (checkout: string, kind: string): Promise<string> => {
      const argv = [join(checkout, 'src/main.ts'), 'image', 'build', kind];
      const { stdout } = await succeed(process.execPath, argv, { deadlineMs: 300_000, signal });
      const image = stdout.toString().trim();
      const archive = join(folder, `${archives.length}.tar`);
      await saveImage(image, archive, signal);
      archives.push(archive);
      return image;
    };
    // The smaller of the two: it has all that these tests run in a sandbox.
    const sandbox = await build(current, 'core');
    const product = await build(current, 'product');
    const earlierProduct = await build(earlier, 'product');
    await makeImageDisk(disk, archives, signal);
    return Object.freeze<Installations>({
      current: { checkout: current, product, sandbox },
      earlier: { checkout: earlier, product: earlierProduct, sandbox },
      which,
      machine: async (name) => {
        const own = join(folder, name);
        await insertImageDisk(disk, own);
        return switchOn(own);
      },
      restart: (machine) => switchOn(machine.folder),
      remove,
    });
  } catch (error) {
    await remove();
    throw error;
  }
};

/** `up` of one version on the machine. The images are named, or the other version's would be removed from its disk. */
export const bringUp = async (machine: Machine, { checkout, product, sandbox }: Version): Promise<void> => {
  const begun = systemClock.monotonic();
  await machine.up(checkout, { MATRX_PRODUCT_IMAGE: product, MATRX_SANDBOX_IMAGE: sandbox });
  process.stderr.write(`up of ${product} took ${Math.round((systemClock.monotonic() - begun) / 1000)} s\n`);
};
