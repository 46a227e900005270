/**
 * Holds the ticket of a preview in a browser. The prefix makes browsers take it only over TLS, for this host alone: no
 * page of another preview can put one in its place.
 */
export const PREVIEW_COOKIE = '__Host-matrx-preview';

/**
 * Apps show previews in frames of their own pages, so it must be sent there as well (SameSite=None), but only there
 * where it was set (Partitioned).
 */
export const previewCookie = (ticket: string, seconds: number): string =>
  `${PREVIEW_COOKIE}=${ticket}; Path=/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=None; Partitioned`;

export const readPreviewCookie = (cookies: string | undefined): string | undefined =>
  (cookies ?? '')
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${PREVIEW_COOKIE}=`))
    ?.slice(PREVIEW_COOKIE.length + 1);
