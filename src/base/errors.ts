/** The message of anything that was thrown, with the messages of its causes behind it. */
export const errorMessage = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? '' : `: ${errorMessage(thrown.cause)}`;
  return thrown.message.includes(cause.slice(2)) ? thrown.message : `${thrown.message}${cause}`;
};
