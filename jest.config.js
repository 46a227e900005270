// swc strips the types; ESM needs node's --experimental-vm-modules (see the npm scripts).
const swc = { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } };
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
};

/** With MATRX_COVERAGE, a folder, the unit tests leave there what of src has run (test/line-coverage). */
const counting = {
  testEnvironment: '<rootDir>/test/line-coverage/environment.ts',
  transform: {
    [`^${RegExp.escape(import.meta.dirname)}/src/.+\\.ts$`]: ['<rootDir>/test/line-coverage/transformer.ts', swc],
    ...shared.transform,
  },
};

/** @type {import('jest').Config} */
export default {
  // A deadline for what hangs, far above what a two-core machine needs that has the end-to-end tests to do as well: no test
  // asserts how fast it was.
  testTimeout: 180_000,
  testSequencer: '<rootDir>/test/slowest-first.js',
  projects: [
    {
      ...shared,
      ...(process.env['MATRX_COVERAGE'] === undefined ? {} : counting),
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/'],
    },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] },
  ],
};
