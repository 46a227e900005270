import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { KUBERNETES_VERSION } from '../../src/local/cluster/binaries.ts';
import { run } from '../../src/local/command.ts';
import { customResourceDefinitions } from '../../src/api/custom-resource-definitions.ts';

/** Of the Prometheus operator, whose repository has its definitions in the module. */
const PROMETHEUS_OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.85.0';
const OPERATOR_KINDS = ['podmonitors', 'prometheusrules'];

type Schema = Readonly<Record<string, unknown>>;
interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** What `kubeconform -schema-location` takes for the folder. */
export const schemaLocation = (folder: string): string => join(folder, '{{ .ResourceKind }}{{ .KindSuffix }}.json');

const fileOf = ({ group, version, kind }: GroupVersionKind): string =>
  `${[kind, group.split('.')[0] ?? '', version]
    .filter((part) => part !== '')
    .join('-')
    .toLowerCase()}.json`;

const moduleFolder = async (module: string): Promise<string> =>
  (JSON.parse(await run(['go', 'mod', 'download', '-json', module])) as { readonly Dir: string }).Dir;

/**
 * Writes the JSON Schemas that the manifests are held against, without asking anyone but Go's module proxy: Kubernetes' own,
 * of the OpenAPI document in its module at the version that `make up` builds; the Prometheus operator's; and the
 * product's own definitions. A field that a schema does not know is an error.
 */
export const writeSchemas = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const kubernetes = await moduleFolder(`k8s.io/kubernetes@${KUBERNETES_VERSION}`);
  const { definitions } = JSON.parse(await readFile(join(kubernetes, 'api/openapi-spec/swagger.json'), 'utf8')) as {
    readonly definitions: Readonly<Record<string, Schema>>;
  };
  await writeFile(join(folder, '_definitions.json'), JSON.stringify({ definitions: strictAll(definitions) }));
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as readonly GroupVersionKind[];
    if (kinds.length !== 1 || kinds[0] === undefined) continue;
    const reference = { $ref: `_definitions.json#/definitions/${name}` };
    await writeFile(join(folder, fileOf(kinds[0])), JSON.stringify(reference));
  }
  const operator = join(await moduleFolder(PROMETHEUS_OPERATOR), 'example/prometheus-operator-crd');
  const foreign = await Promise.all(
    OPERATOR_KINDS.map(
      async (plural) =>
        parse(await readFile(join(operator, `monitoring.coreos.com_${plural}.yaml`), 'utf8')) as Definition,
    ),
  );
  const own = [...customResourceDefinitions().values()].map((one) => one as unknown as Definition);
  for (const { spec } of [...foreign, ...own]) {
    for (const { name: version, schema } of spec.versions) {
      const file = fileOf({ group: spec.group, version, kind: spec.names.kind });
      const { metadata: _any, ...properties } = schema.openAPIV3Schema['properties'] as Readonly<
        Record<string, Schema>
      >;
      const meta = { $ref: '_definitions.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
      const whole = { ...schema.openAPIV3Schema, properties };
      const strictWhole = strict(whole) as { readonly properties: object };
      await writeFile(
        join(folder, file),
        JSON.stringify({ ...strictWhole, properties: { ...strictWhole.properties, metadata: meta } }),
      );
    }
  }
};

const strictAll = (schemas: Readonly<Record<string, Schema>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, strict(rightFor(name, schema))]));

/** Two types are more than their description says: a number or a string. */
const rightFor = (name: string, schema: Schema): Schema =>
  name === 'io.k8s.apimachinery.pkg.util.intstr.IntOrString' || name === 'io.k8s.apimachinery.pkg.api.resource.Quantity'
    ? { type: ['string', 'number'] }
    : schema;

/** The schema in which every object has the properties that are named and no others, as the API server holds it. */
const strict = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { format: _format, ...rest } = schema as Schema;
  // What a definition says of Kubernetes' own keywords, JSON Schema says otherwise.
  if (rest['x-kubernetes-int-or-string'] === true) return { type: ['string', 'number'] };
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, strictKeyword(key, value)]));
  const isClosed =
    'properties' in rest && !('additionalProperties' in rest) && rest['x-kubernetes-preserve-unknown-fields'] !== true;
  return isClosed ? { ...inner, additionalProperties: false } : inner;
};

const strictKeyword = (key: string, value: unknown): unknown => {
  if (key === 'properties' || key === 'definitions') {
    return Object.fromEntries(Object.entries(value as Schema).map(([name, schema]) => [name, strict(schema)]));
  }
  if (key === 'default' || key === 'enum' || key === 'required') return value;
  // In the one file of Kubernetes' definitions, references stay within it.
  return strict(value);
};
