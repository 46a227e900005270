/** Where sandboxd listens in each sandbox: the port that the E2B SDKs know its counterpart by. */
export const SANDBOXD_PORT = 49_983;

/** Who may ask sandboxd for anything: the issuer of its access tokens. */
export const TOKEN_ISSUER = 'matrx-facade';

/** The header of the native API and the one that the E2B SDKs send; either carries an access token. */
export const E2B_TOKEN_HEADER = 'x-access-token';

/** The media type of a process's output: frames.ts. */
export const FRAMES_TYPE = 'application/vnd.matrx.frames';

/** What an Upgrade request to a port of the sandbox asks for: from then on the connection carries that port's bytes. */
export const TUNNEL_PROTOCOL = 'matrx-tunnel';
