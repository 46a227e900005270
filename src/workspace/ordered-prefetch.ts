/**
 * Loads ahead, up to `depth` at a time, and gives the results in the items' order. When the consumer stops early or a
 * load fails, `discard` gets every result that was loaded and will not be used.
 */
export async function* orderedPrefetch<Item, Loaded>(
  items: readonly Item[],
  depth: number,
  load: (item: Item) => Promise<Loaded>,
  discard: (loaded: Loaded) => void,
): AsyncGenerator<readonly [Item, Loaded]> {
  const ahead: { readonly item: Item; readonly loading: Promise<Loaded> }[] = [];
  let next = 0;
  const fill = (): void => {
    for (; next < items.length && ahead.length < depth; next++) {
      const item = items[next] as Item;
      const loading = load(item);
      loading.catch(() => undefined);
      ahead.push({ item, loading });
    }
  };
  try {
    for (fill(); ahead.length > 0; fill()) {
      const { item, loading } = ahead[0]!;
      const loaded = await loading;
      ahead.shift();
      yield [item, loaded];
    }
  } finally {
    for (const { loading } of ahead) loading.then(discard, () => undefined);
  }
}
