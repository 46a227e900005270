/** What the groups of routes are about, in the order of the reading page. */
const TAGS: Readonly<Record<string, string>> = {
  service: 'What this server says of itself.',
  sandboxes: 'Start, find, change and end sandboxes.',
  commands: 'Run commands and processes in a sandbox.',
  terminal: 'A terminal in a sandbox.',
  files: 'Read and write the files of a sandbox.',
  ports: 'Reach what listens in a sandbox.',
  observe: 'What a sandbox does, has printed, and uses.',
  workspaces: "Users' durable files: their state, their history, and the way back.",
  access: 'Other ways into a sandbox.',
};

export const describedTags = (
  used: readonly string[],
): readonly { readonly name: string; readonly description?: string }[] => {
  const known = Object.keys(TAGS).filter((name) => used.includes(name));
  return [...new Set([...known, ...used])].map((name) => {
    const description = TAGS[name];
    return { name, ...(description === undefined ? {} : { description }) };
  });
};
