import type { KubeClient, KubeObject, ListPage, ResourceType, Selection } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';

const PAGE = 500;

/**
 * Everything the selection names, in pages of 500, all at one resource version. Where the server forgets that version
 * between two pages (410), the list is fetched again in one piece, which cannot expire. Throws a KubeError.
 */
export const listAll = async <T extends KubeObject>(
  client: Pick<KubeClient, 'list'>,
  type: ResourceType,
  selection: Selection,
  signal: AbortSignal,
): Promise<ListPage<T>> => {
  try {
    return await listPages<T>(client, type, selection, signal);
  } catch (error) {
    if (!isKubeError(error, 'Gone')) throw error;
    return client.list<T>(type, selection, { signal });
  }
};

const listPages = async <T extends KubeObject>(
  client: Pick<KubeClient, 'list'>,
  type: ResourceType,
  selection: Selection,
  signal: AbortSignal,
): Promise<ListPage<T>> => {
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const query = { ...selection, limit: PAGE, ...(token !== undefined && { continue: token }) };
    const page: ListPage<T> = await client.list<T>(type, query, { signal });
    items.push(...page.items);
    if (page.continue === undefined) return { items, resourceVersion: page.resourceVersion };
    token = page.continue;
  }
};
