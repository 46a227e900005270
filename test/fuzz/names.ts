/** What the examples of the API's description name, and is there. */
export const KNOWN_SANDBOX = 'sbx-0123456789ab';
export const KNOWN_USER = 'ann';
export const FUZZ_KEY = 'fuzz-key';
