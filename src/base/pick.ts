/** These properties of an object, those alone that it has. */
export const pick = <T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Pick<T, K> => {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (object[key] !== undefined) picked[key] = object[key];
  return picked as Pick<T, K>;
};
