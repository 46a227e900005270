import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isShellScript, shellScripts } from './shell-scripts.ts';

test('a shell script is known by its ending, its first line or what it tells shellcheck', () => {
  expect(isShellScript('a.bats', '')).toBe(true);
  expect(isShellScript('start', '#!/usr/bin/env bash\n')).toBe(true);
  expect(isShellScript('start', '#!/bin/sh\n')).toBe(true);
  expect(isShellScript('part', '# shellcheck shell=bash\n')).toBe(true);
  expect(isShellScript('tool', '#!/usr/bin/env python3\n#!/bin/sh\n')).toBe(false);
  expect(isShellScript('Makefile', 'all:\n\t#!/bin/sh\n')).toBe(false);
});

test('shellcheck is given all of them', () => {
  const found = shellScripts(join(import.meta.dirname, '..'));
  expect(found).toEqual(
    expect.arrayContaining([
      '.ci/run',
      'sandbox-image/bin/start',
      'terraform/bootstrap/matrx-bootstrap',
      'terraform/bootstrap/k3s.sh',
      'test/bootstrap/bootstrap.bats',
      'test/bootstrap/fakes/aws',
    ]),
  );
  expect(found.filter((name) => /\.(ts|md|yaml|service)$/.test(name))).toEqual([]);
});
