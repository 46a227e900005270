import { expect, it } from '@jest/globals';
import { kubeProgram } from '../../src/local/cluster/binaries.ts';
import { isGoUsable, parseGoVersion } from '../../src/local/go-build.ts';

it.each([
  ['go version go1.26.8 linux/amd64', true],
  ['go version go1.21.0 linux/arm64', true],
  ['go version go2.0 linux/amd64', true],
  // Older ones cannot fetch the toolchain that go.mod asks for.
  ['go version go1.19.8 linux/amd64', false],
  ['none', false],
])('%s is usable: %s', (text, usable) => {
  expect(isGoUsable(parseGoVersion(text))).toBe(usable);
});

it('the version that the programs report is stamped into them', () => {
  const linker = kubeProgram('/src').flags.at(-1);
  expect(linker).toMatch(/gitVersion=v1\.\d+\.\d+ .*gitMajor=1 .*gitMinor=\d+ /);
});
