import { afterEach, beforeEach, jest } from '@jest/globals';
import { makeTestHomes, type TestHomes } from '../../support/workspace/test-homes.ts';

export interface CommandWorld {
  readonly homes: () => TestHomes;
  /** What was printed since it was last asked for. */
  readonly take: () => string;
}

/** For each test a fake S3 of its own, which the commands find by the environment, and what they print caught. */
export const commandWorldOfEachTest = (): CommandWorld => {
  const before = { ...process.env };
  let homes: TestHomes;
  let printed = '';
  beforeEach(async () => {
    homes = await makeTestHomes();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_S3: homes.fake.endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
    });
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    process.env = { ...before };
    await homes.close();
  });
  return {
    homes: () => homes,
    take: () => {
      const text = printed;
      printed = '';
      return text;
    },
  };
};
