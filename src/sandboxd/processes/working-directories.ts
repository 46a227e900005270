/** Where the last command of each session ended: sessions are the callers' own names. */
export interface WorkingDirectories {
  readonly get: (session: string) => string | undefined;
  readonly set: (session: string, directory: string) => void;
}

/** More sessions are not remembered; the one that was used longest ago is forgotten first. */
const MAX_SESSIONS = 1000;

export const makeWorkingDirectories = (): WorkingDirectories => {
  const directories = new Map<string, string>();
  const set = (session: string, directory: string): void => {
    directories.delete(session);
    directories.set(session, directory);
    if (directories.size > MAX_SESSIONS) directories.delete(directories.keys().next().value ?? '');
  };
  return {
    set,
    get: (session) => {
      const directory = directories.get(session);
      if (directory !== undefined) set(session, directory);
      return directory;
    },
  };
};
