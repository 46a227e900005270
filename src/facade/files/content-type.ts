import { posix } from 'node:path';

const TEXT = 'text/plain; charset=utf-8';

/** By the ending of a name alone: what is in a file has no say in how a browser takes it. */
const TYPES: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  bmp: 'image/bmp',
  c: TEXT,
  conf: TEXT,
  cpp: TEXT,
  css: 'text/css; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  gif: 'image/gif',
  go: TEXT,
  gz: 'application/gzip',
  h: TEXT,
  htm: 'text/html; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  ini: TEXT,
  ipynb: 'application/json',
  java: TEXT,
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  log: TEXT,
  md: 'text/markdown; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  ogg: 'audio/ogg',
  pdf: 'application/pdf',
  png: 'image/png',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  py: TEXT,
  rb: TEXT,
  rs: TEXT,
  sh: TEXT,
  sql: TEXT,
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  toml: TEXT,
  ts: TEXT,
  tsv: 'text/tab-separated-values; charset=utf-8',
  txt: TEXT,
  wasm: 'application/wasm',
  wav: 'audio/wav',
  webm: 'video/webm',
  webp: 'image/webp',
  woff2: 'font/woff2',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'application/xml',
  yaml: TEXT,
  yml: TEXT,
  zip: 'application/zip',
};

export const contentTypeOf = (name: string): string => {
  const ending = posix.extname(name).slice(1).toLowerCase();
  return Object.hasOwn(TYPES, ending) ? (TYPES[ending] ?? '') : 'application/octet-stream';
};

/** RFC 6266: the name in UTF-8, and for those that do not know that, in ASCII. */
export const contentDisposition = (kind: 'inline' | 'attachment', name: string): string => {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"${ascii === name ? '' : `; filename*=UTF-8''${encoded}`}`;
};
