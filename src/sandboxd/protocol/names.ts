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

/**
 * How far the output of a process is sent ahead of what its reader has acknowledged, in bytes, and after how many a
 * reader must acknowledge.
 */
export const ACKNOWLEDGED_WINDOW_BYTES = 512 << 10;
export const ACKNOWLEDGE_EVERY_BYTES = 48 << 10;
/** A named reader that says nothing for so long is gone, in milliseconds, though its connection may still stand. */
export const READER_SILENCE_MS = 60_000;
