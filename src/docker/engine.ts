import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { contextTar, type ContextFile } from './context.ts';

export interface BuildRequest {
  /** The image's name with its tag. */
  readonly tag: string;
  readonly files: readonly ContextFile[];
  /** The stage to build; the last one unless given. */
  readonly target?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What the installation asks of a Docker Engine. Every call throws a DockerError that says what was asked for. */
export interface DockerEngine {
  readonly ping: () => Promise<void>;
  readonly hasImage: (name: string) => Promise<boolean>;
  /** Bytes of all its layers, unpacked; undefined where there is no such image. */
  readonly sizeOf: (name: string) => Promise<number | undefined>;
  /** `onLine` gets each line of the build's output. */
  readonly build: (request: BuildRequest, onLine: (line: string) => void, signal?: AbortSignal) => Promise<void>;
  readonly pull: (name: string, onLine: (line: string) => void, timeoutMs: number) => Promise<void>;
  /** Makes an image of one layer out of a tar of a root file system. */
  readonly importRoot: (tar: Readable, name: string) => Promise<void>;
  /** The image as `docker save` writes it. */
  readonly save: (name: string) => Promise<Readable>;
  readonly removeImage: (name: string) => Promise<void>;
  /** Gives an image a second name. */
  readonly tag: (name: string, other: string) => Promise<void>;
  /** Names with tags of the images of a repository. */
  readonly tagsOf: (repository: string) => Promise<readonly string[]>;
}

export class DockerError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DockerError';
  }
}

/** The engine at a socket, or the one that DOCKER_HOST and its companions in the environment describe. */
export const connectEngine = (where: { readonly socket: string } | 'environment'): DockerEngine => {
  const docker = where === 'environment' ? new Docker() : new Docker({ socketPath: where.socket });

  /** Follows a stream of JSON messages to its end; the engine reports failures in the stream, after a 200. */
  const follow = (what: string, stream: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new DockerError(`${what} failed`, cause));
      docker.modem.followProgress(
        stream,
        (error: Error | null) => (error === null ? resolve() : fail(error)),
        (message: ProgressMessage) => {
          if (message.error !== undefined) fail(new Error(message.error));
          progressLines(message).forEach(onLine);
        },
      );
    });
  const attempt = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw error instanceof DockerError ? error : new DockerError(`${what} failed`, error);
    }
  };

  const sizeOf = (name: string): Promise<number | undefined> =>
    docker
      .getImage(name)
      .inspect()
      .then(
        ({ Size }) => Size,
        (error: { statusCode?: number }) => {
          if (error.statusCode === 404) return undefined;
          throw new DockerError(`looking for image ${name} failed`, error);
        },
      );

  return Object.freeze({
    ping: () => attempt('asking the Docker Engine', async () => void (await docker.ping())),
    hasImage: async (name: string) => (await sizeOf(name)) !== undefined,
    sizeOf,
    build: (request: BuildRequest, onLine: (line: string) => void, signal?: AbortSignal) =>
      attempt(`building ${request.tag}`, async () => {
        const stream = await docker.buildImage(contextTar(request.files), {
          t: request.tag,
          dockerfile: 'Dockerfile',
          buildargs: { ...request.buildArgs },
          labels: { ...request.labels },
          // The engine's own network may have no way out: an engine that `up` started has none at all.
          networkmode: 'host',
          rm: true,
          forcerm: true,
          ...(request.target === undefined ? {} : { target: request.target }),
          ...(signal === undefined ? {} : { abortSignal: signal }),
        });
        await follow(`building ${request.tag}`, stream, onLine);
      }),
    pull: (name: string, onLine: (line: string) => void, timeoutMs: number) =>
      attempt(`pulling ${name}`, async () => {
        const stream = await docker.pull(name, {
          abortSignal: AbortSignal.timeout(timeoutMs),
        });
        await follow(`pulling ${name}`, stream, onLine);
      }),
    importRoot: (tar: Readable, name: string) =>
      attempt(`importing ${name}`, async () => {
        const [repo, tag] = splitName(name);
        const stream = await docker.importImage(tar, { repo, tag });
        await follow(`importing ${name}`, stream, () => {});
      }),
    save: (name: string) => attempt(`saving ${name}`, async () => (await docker.getImage(name).get()) as Readable),
    removeImage: (name: string) =>
      attempt(`removing ${name}`, async () => void (await docker.getImage(name).remove({ force: true }))),
    tag: (name: string, other: string) =>
      attempt(`tagging ${name} as ${other}`, async () => {
        const [repo, tag] = splitName(other);
        await docker.getImage(name).tag({ repo, tag });
      }),
    tagsOf: (repository: string) =>
      attempt(`listing images of ${repository}`, async () => {
        const images = await docker.listImages({ filters: { reference: [repository] } });
        return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => splitName(name)[0] === repository);
      }),
  });
};

/** "a/b:c" → ["a/b", "c"]; a colon before a slash belongs to a registry's port. */
export const splitName = (name: string): readonly [repository: string, tag: string] => {
  const colon = name.lastIndexOf(':');
  return colon <= name.lastIndexOf('/') ? [name, 'latest'] : [name.slice(0, colon), name.slice(colon + 1)];
};

/** A message of the engine's build, pull and import streams. */
export interface ProgressMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  readonly error?: string;
}

/** What a person sees of a message: no line for those that say nothing, several where programs wrote several at once. */
export const progressLines = (message: ProgressMessage): readonly string[] => {
  const parts = message.stream === undefined ? [message.id, message.status, message.progress] : [message.stream];
  return parts
    .filter((part) => part !== undefined)
    .join(' ')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
};
