import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { structuralSchema } from '../../src/api/structural-schema.ts';

describe('a zod schema becomes a structural one', () => {
  test('an integer without limits has a format and no limits', () => {
    expect(structuralSchema(z.int())).toEqual({ type: 'integer', format: 'int64' });
    expect(structuralSchema(z.int().min(1).max(5))).toEqual({
      type: 'integer',
      format: 'int64',
      minimum: 1,
      maximum: 5,
    });
  });

  test('a field with a default is not required and keeps its default', () => {
    expect(structuralSchema(z.object({ a: z.string().max(3).default('x') }))).toEqual({
      type: 'object',
      properties: { a: { type: 'string', maxLength: 3, default: 'x' } },
    });
  });

  test('an open object keeps what it does not know', () => {
    expect(structuralSchema(z.looseObject({}).meta({ maxProperties: 4 }))).toEqual({
      type: 'object',
      maxProperties: 4,
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });

  test('an integer or a string is Kubernetes’ own union', () => {
    expect(structuralSchema(z.union([z.int().min(0), z.string().max(8).regex(/^a$/)]))).toEqual({
      'x-kubernetes-int-or-string': true,
      minimum: 0,
      maxLength: 8,
      pattern: '^a$',
    });
  });

  test('a CEL rule passes through', () => {
    const rules = [{ rule: 'self == oldSelf', message: 'no' }];
    expect(structuralSchema(z.boolean().meta({ 'x-kubernetes-validations': rules }))).toEqual({
      type: 'boolean',
      'x-kubernetes-validations': rules,
    });
  });

  test('a time is a date-time and has no pattern', () => {
    expect(structuralSchema(z.iso.datetime())).toEqual({ type: 'string', format: 'date-time' });
  });
});

describe('what the API server could not enforce is refused, naming the field', () => {
  test.each([
    [
      'a refinement',
      z.object({
        a: z.object({
          b: z
            .string()
            .max(1)
            .refine(() => false),
        }),
      }),
      /a\.properties\.b: a refinement/u,
    ],
    ['a string without a maximum', z.object({ a: z.string() }), /\.a: give it a maximum/u],
    ['a list without a maximum', z.object({ a: z.array(z.boolean()) }), /\.a: give it a maximum/u],
    ['an item without a maximum', z.object({ a: z.array(z.string()).max(2) }), /\.a\[\]: give it a maximum/u],
    ['a map without a maximum', z.object({ a: z.looseObject({}) }), /\.a: give it a maximum/u],
    ['another union', z.union([z.boolean(), z.string().max(1)]), /not structural/u],
    [
      'a transform',
      z.object({
        a: z
          .string()
          .max(1)
          .transform((text) => text.length),
      }),
      /a: a transform/u,
    ],
  ])('%s', (_what, schema, message) => {
    expect(() => structuralSchema(schema)).toThrow(message);
  });
});
