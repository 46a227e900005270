/** Commands that break whoever adds a character to them, and what they write. */
export const AWKWARD_COMMANDS: readonly (readonly [what: string, command: string, stdout: string])[] = [
  ['a trailing &', 'sleep 3 & echo started', 'started'],
  ['a comment', 'echo it # and no more', 'it'],
  ['a heredoc', "cat <<'E'\n$x `y`\nE", '$x `y`'],
  ['a heredoc with nothing behind its end', 'cat <<E | tr a b\na\nE', 'b'],
  ['several lines', 'a=1\nif [ $a = 1 ]; then\n  echo yes\nfi', 'yes'],
  ['quotes of all kinds', `echo "a'b" 'c"d' \\$ $'\\t'e`, `a'b c"d $ \te`],
  ['what looks like an option', '-x foo || echo none', 'none'],
  ['its own arguments, of which there are none', 'echo "$# $0 $1"', '0 bash '],
  ['unicode', 'echo "grüße 🚀"', 'grüße 🚀'],
  ['an input that is empty', 'cat; echo end', 'end'],
  ['set -e', 'set -e; false; echo no', ''],
];

/** Commands after which the shell is in /usr/lib. */
export const COMMANDS_THAT_MOVE: readonly (readonly [what: string, command: string])[] = [
  ['cd', 'cd /usr/lib'],
  ['exit in the middle', 'cd /usr/lib; exit 4; cd /'],
  ['set -e', 'set -e; cd /usr/lib; false; cd /'],
  ['noclobber and a strict umask', 'set -C; umask 777; cd /usr/lib'],
  ['cd in the background, which is another shell', 'cd /usr/lib; cd / &'],
  ['cd in a subshell, which is another shell', 'cd /usr/lib; (cd /)'],
];
