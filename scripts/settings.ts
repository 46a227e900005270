/** A setting of the environment that must be there and have the form. Throws an error that names it and the remedy. */
export const setting = (name: string, form: RegExp, example: string): string => {
  const value = process.env[name] ?? '';
  if (form.test(value)) return value;
  throw new Error(`${name} is ${value === '' ? 'not set' : `"${value}"`}: it takes what looks like ${example}`);
};

const REPOSITORY = /^[a-z0-9][a-z0-9.:-]*(\/[a-z0-9._-]+)+$/i;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** The two images' repositories and the tag that both get: PRODUCT_REPOSITORY, SANDBOX_REPOSITORY, TAG. */
export const imageSettings = (): { readonly product: string; readonly sandbox: string } => {
  const tag = setting('TAG', TAG, 'a commit or a version');
  // Of what GitHub calls a repository, a registry takes the small letters only.
  const of = (name: string): string =>
    `${setting(name, REPOSITORY, 'registry.example/matrx/product').toLowerCase()}:${tag}`;
  return { product: of('PRODUCT_REPOSITORY'), sandbox: of('SANDBOX_REPOSITORY') };
};

/** The version of the tag TAG. */
export const versionSetting = (): string => setting('TAG', /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'v1.2.3').slice(1);
