import type { KubeObject } from '../../../src/api/meta.ts';
import type { Selection } from '../../../src/kube/client.ts';
import { Refused } from './refused.ts';

/** Fields by which the product lists and watches. */
const FIELDS: Readonly<Record<string, (object: KubeObject) => string | undefined>> = {
  'metadata.name': ({ metadata }) => metadata.name,
  'spec.nodeName': (object) => (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? '',
  'spec.userId': (object) => (object as { readonly spec?: { readonly userId?: string } }).spec?.userId ?? '',
  'regarding.name': (object) => (object as { readonly regarding?: { readonly name?: string } }).regarding?.name ?? '',
};

/** Of equality, by labels and by fields; a comma is "and". */
export const selects = ({ labelSelector, fieldSelector }: Selection): ((object: KubeObject) => boolean) => {
  const labels = terms(labelSelector);
  const fields = terms(fieldSelector).map(([name, value]) => {
    const read = FIELDS[name];
    if (read === undefined) throw new Refused(`field label not supported: ${name}`, 'BadRequest');
    return { read, value };
  });
  return (object) =>
    labels.every(([name, value]) => object.metadata.labels?.[name] === value) &&
    fields.every(({ read, value }) => read(object) === value);
};

const terms = (selector: string | undefined): readonly (readonly [name: string, value: string])[] =>
  selector === undefined || selector === ''
    ? []
    : selector.split(',').map((term) => {
        const [name = '', value = ''] = term.split(/==?/);
        return [name, value];
      });
