import { describe, expect, it } from '@jest/globals';
import { apiServerRefusal } from '../../src/facade/api-server-refusal.ts';
import { KubeError } from '../../src/kube/errors.ts';

const detailOf = (message: string, body: unknown): unknown =>
  apiServerRefusal(new KubeError('Invalid', message, { code: 422 }), body).problem.detail;

describe("the API server's refusal of a Sandbox", () => {
  it('names the field by its name in the request', () => {
    expect(
      detailOf('Sandbox.matrx.dev "sbx-1" is invalid: spec.templateRef.name: Invalid value: "X": should match', {
        template: 'X',
      }),
    ).toEqual([
      { type: 'value_error', loc: ['body', 'template'], msg: 'Invalid value: "X": should match', input: 'X' },
    ]);
  });

  it('names every field of several', () => {
    const message =
      'Sandbox.matrx.dev "sbx-1" is invalid: [spec.env[1]: Duplicate value: {"name":"A"}, ' +
      'spec.workspace.name: Forbidden: name cannot be given with ephemeral: true, because nothing of that home is kept]';
    const body = { env: [{ name: 'A' }, { name: 'A' }], workspace: { name: 'n', ephemeral: true } };
    expect(detailOf(message, body)).toEqual([
      { type: 'value_error', loc: ['body', 'env', 1], msg: 'Duplicate value: {"name":"A"}', input: { name: 'A' } },
      {
        type: 'value_error',
        loc: ['body', 'workspace', 'name'],
        msg: 'Forbidden: name cannot be given with ephemeral: true, because nothing of that home is kept',
        input: 'n',
      },
    ]);
  });

  it('leaves out the remark that other rules were not looked at', () => {
    const message =
      'Sandbox.matrx.dev "sbx-1" is invalid: [spec.config: Too many: 300: must have at most 256 items, <nil>: Invalid ' +
      'value: null: some validation rules were not checked because the object was invalid]';
    expect(detailOf(message, { config: { a: 1 } })).toEqual([
      {
        type: 'value_error',
        loc: ['body', 'config'],
        msg: 'Too many: 300: must have at most 256 items',
        input: { a: 1 },
      },
    ]);
  });

  it('passes on what it does not understand', () => {
    expect(detailOf('admission webhook "x" denied the request: no', {})).toEqual([
      { type: 'value_error', loc: ['body'], msg: 'admission webhook "x" denied the request: no', input: null },
    ]);
  });
});
