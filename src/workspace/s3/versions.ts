import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { isStoreError, type ListedVersion } from '../object-store.ts';

const NOT_IMPLEMENTED = 501;

/** What one page of ListObjectVersions lists: S3 answers with versions and markers apart. */
export const versionsOf = (page: ListObjectVersionsCommandOutput): readonly ListedVersion[] => [
  ...listed(page.Versions, false),
  ...listed(page.DeleteMarkers, true),
];

const listed = (
  items: readonly { readonly Key?: string | undefined; readonly VersionId?: string | undefined }[] | undefined,
  isMarker: boolean,
): readonly ListedVersion[] =>
  (items ?? []).map(({ Key = '', VersionId = 'null' }) => ({ key: Key, versionId: VersionId, isMarker }));

/** Where the next page begins; undefined after the last. */
export const nextPage = ({
  IsTruncated,
  NextKeyMarker,
  NextVersionIdMarker,
}: ListObjectVersionsCommandOutput): { readonly KeyMarker: string; readonly VersionIdMarker?: string } | undefined => {
  if (IsTruncated !== true || NextKeyMarker === undefined || NextKeyMarker === '') return undefined;
  const hasVersion = NextVersionIdMarker !== undefined && NextVersionIdMarker !== '';
  return { KeyMarker: NextKeyMarker, ...(hasVersion ? { VersionIdMarker: NextVersionIdMarker } : {}) };
};

/** Cloudflare R2, for one, keeps no versions and answers so. */
export const isUnknownToServer = (thrown: unknown): boolean =>
  isStoreError(thrown) &&
  (thrown.cause as { readonly $metadata?: { readonly httpStatusCode?: number } } | undefined)?.$metadata
    ?.httpStatusCode === NOT_IMPLEMENTED;
