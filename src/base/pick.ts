/** These properties of an object, those alone that it has. */
export const pick = <T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.flatMap((key) => (object[key] === undefined ? [] : [[key, object[key]] as const]))) as Pick<
    T,
    K
  >;
