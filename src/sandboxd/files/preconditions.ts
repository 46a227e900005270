import type { IncomingHttpHeaders } from 'node:http';

/** RFC 9110, 13: what a request wants to be true of the file. `etag` is the file's own, undefined where there is none. */
export type Verdict = 'proceed' | 'not-modified' | 'failed';

export const judgeRead = (headers: IncomingHttpHeaders, etag: string): Verdict => {
  if (headers['if-match'] !== undefined && !lists(headers['if-match'], etag, 'strong')) return 'failed';
  if (headers['if-none-match'] !== undefined && lists(headers['if-none-match'], etag, 'weak')) return 'not-modified';
  return 'proceed';
};

export const judgeWrite = (headers: IncomingHttpHeaders, etag: string | undefined): Verdict => {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifMatch !== undefined && (etag === undefined || !lists(ifMatch, etag, 'strong'))) return 'failed';
  if (ifNoneMatch !== undefined && etag !== undefined && lists(ifNoneMatch, etag, 'weak')) return 'failed';
  return 'proceed';
};

/** A date in If-Range is no strong validator of ours: then the range is left out of account, and all is sent. */
export const isRangeWanted = ({ 'if-range': ifRange }: IncomingHttpHeaders, etag: string): boolean =>
  ifRange === undefined || (typeof ifRange === 'string' && ifRange.trim() === etag);

const lists = (header: string, etag: string, comparison: 'strong' | 'weak'): boolean => {
  if (header.trim() === '*') return true;
  return header.split(',').some((part) => {
    const tag = part.trim();
    return (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag;
  });
};
