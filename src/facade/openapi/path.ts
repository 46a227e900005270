import { z } from 'zod';
import { UserId } from '../../api/user-id.ts';
import type { FieldShape } from '../route.ts';
import type { Parameter } from './openapi-types.ts';
import type { Schemas } from './schemas.ts';

/** `/sandboxes/:id/files/*path` as a template: `/sandboxes/{id}/files/{path}`. */
export const pathTemplate = (path: string): string => path.replace(/[:*](\w+)/g, '{$1}');

const WELL_KNOWN: Readonly<Record<string, FieldShape>> = {
  id: {
    description: "The sandbox's id.",
    schema: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)
      .meta({ examples: ['sbx-0123456789ab'] }),
  },
  user: { description: 'The user’s id.', schema: UserId.meta({ examples: ['ann'] }) },
};

export const pathParameters = (
  path: string,
  params: Readonly<Record<string, FieldShape>>,
  schemas: Schemas,
): readonly Parameter[] =>
  [...path.matchAll(/([:*])(\w+)/g)].map(([, sign, name = '']) => {
    const { description, schema = z.string().min(1) } = params[name] ?? WELL_KNOWN[name] ?? { description: '' };
    const said = sign === '*' ? `${description} It may have slashes.`.trim() : description;
    return {
      name,
      in: 'path',
      required: true,
      ...(said === '' ? {} : { description: said }),
      schema: schemas.input(schema),
    };
  });
