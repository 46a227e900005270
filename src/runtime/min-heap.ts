export interface MinHeap<T> {
  readonly push: (item: T) => void;
  readonly peek: () => T | undefined;
  readonly pop: () => T | undefined;
}

/** A binary heap: `pop` gives the item that `before` puts first. */
export const makeMinHeap = <T>(before: (a: T, b: T) => boolean): MinHeap<T> => {
  const items: T[] = [];
  const at = (position: number): T => items[position] as T;
  const swap = (a: number, b: number): void => {
    [items[a], items[b]] = [at(b), at(a)];
  };
  const siftUp = (start: number): void => {
    let child = start;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(at(child), at(parent))) return;
      swap(child, parent);
      child = parent;
    }
  };
  const siftDown = (): void => {
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= items.length) return;
      const right = left + 1;
      const child = right < items.length && before(at(right), at(left)) ? right : left;
      if (!before(at(child), at(parent))) return;
      swap(child, parent);
      parent = child;
    }
  };
  return {
    push: (item) => {
      items.push(item);
      siftUp(items.length - 1);
    },
    peek: () => items[0],
    pop: () => {
      const [first] = items;
      const last = items.pop();
      if (items.length > 0) {
        items[0] = last as T;
        siftDown();
      }
      return first;
    },
  };
};
