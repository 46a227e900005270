import { expect, test } from '@jest/globals';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import type { CredentialProvider, UserCredentials } from '../../src/node/cold/credentials.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { uniqueName } from './e2e/names.ts';

export interface AccountWorld {
  /** The provider, as each process of the driver makes it. */
  readonly makeProvider: () => CredentialProvider;
  /** The bucket as it is reached with these credentials. */
  readonly storeOf: (credentials: UserCredentials) => ObjectStore;
}

const signal = AbortSignal.timeout(600_000);
const FORBIDDEN = { reason: 'Forbidden' };

/** What every server with an IAM API has to do with the users of `makeAccountCredentials`. */
export const accountContract = (world: () => AccountWorld): void => {
  const issue = (provider: CredentialProvider, userId: string) =>
    provider.issue({ userId, session: 'a-sandbox' }, signal);
  const write = (credentials: UserCredentials, userId: string): Promise<unknown> =>
    world()
      .storeOf(credentials)
      .put(`${workspacePrefix(userId)}cold/file`, Buffer.from('x'));

  test('a key reaches its own user’s files and no others, and lists no others', async () => {
    const provider = world().makeProvider();
    const [ann, anna] = [uniqueName('ann'), uniqueName('anna')];
    const credentials = await issue(provider, ann);
    expect(credentials.isolation).toBe('prefix');
    await write(credentials, ann);
    await expect(write(credentials, anna)).rejects.toMatchObject(FORBIDDEN);
    const listed = world().storeOf(credentials).list(workspacePrefix(anna))[Symbol.asyncIterator]().next();
    await expect(listed).rejects.toMatchObject(FORBIDDEN);
  });

  test('of three keys of a user the oldest has ended', async () => {
    const provider = world().makeProvider();
    const ann = uniqueName('ann');
    const [first, second, third] = [await issue(provider, ann), await issue(provider, ann), await issue(provider, ann)];
    await expect(write(first, ann)).rejects.toMatchObject(FORBIDDEN);
    await write(second, ann);
    await write(third, ann);
  });

  test('no key is left when its process revokes, and another can be had', async () => {
    const provider = world().makeProvider();
    const ann = uniqueName('ann');
    const [first, second] = [await issue(provider, ann), await issue(provider, ann)];
    await provider.revoke?.(ann, signal);
    await expect(write(first, ann)).rejects.toMatchObject(FORBIDDEN);
    await expect(write(second, ann)).rejects.toMatchObject(FORBIDDEN);
    await write(await issue(provider, ann), ann);
  });

  test('a key of another process outlives that, until its own process revokes', async () => {
    const [provider, another] = [world().makeProvider(), world().makeProvider()];
    const ann = uniqueName('ann');
    const [own, others] = [await issue(provider, ann), await issue(another, ann)];
    await provider.revoke?.(ann, signal);
    await expect(write(own, ann)).rejects.toMatchObject(FORBIDDEN);
    await write(others, ann);
    await another.revoke?.(ann, signal);
    await expect(write(others, ann)).rejects.toMatchObject(FORBIDDEN);
  });
};
