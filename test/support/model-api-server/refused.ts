import type { Status } from '../../../src/kube/status-error.ts';

export type RefusalReason =
  'NotFound' | 'AlreadyExists' | 'Conflict' | 'Forbidden' | 'Invalid' | 'BadRequest' | 'Gone' | 'Unsupported';

export const CODES: Readonly<Record<RefusalReason, number>> = {
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Forbidden: 403,
  Invalid: 422,
  BadRequest: 400,
  Gone: 410,
  Unsupported: 415,
};

/** A request that the API server would not carry out. */
export class Refused extends Error {
  readonly reason: RefusalReason;
  /** The fields that are to blame, for an Invalid. */
  readonly fields: readonly string[];

  constructor(message: string, reason: RefusalReason = 'Conflict', fields: readonly string[] = []) {
    super(message);
    this.reason = reason;
    this.fields = fields;
  }
}

/** metav1.Status, as the server writes it into the body. */
export const statusOf = ({ reason, message, fields }: Refused): Status & { readonly apiVersion: string } => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message,
  reason: reason === 'Gone' ? 'Expired' : reason,
  ...(fields.length === 0
    ? {}
    : { details: { causes: fields.map((field) => ({ reason: 'FieldValueInvalid', message, field })) } }),
  code: CODES[reason],
});

export const ignoreRefusal = (attempt: () => void): void => {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
};
