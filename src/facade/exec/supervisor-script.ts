/**
 * Starts a supervisor: everything else comes on stdin, because `ps` in the sandbox shows arguments, and neither the
 * nonce nor a page of script belongs there.
 */
export const SUPERVISOR_COMMAND: readonly string[] = [
  'bash',
  '-c',
  `IFS= read -r -d '' script && eval "$script"`,
  'matrx-exec',
];

/**
 * What runs in the sandbox around a command. On stdin are six fields, each ended by NUL: this script, a nonce, the run's
 * id, the working directory, seconds, the command.
 *
 * The command is `bash -c <command>` with not a character added, so a trailing `&`, a comment, a heredoc or a syntax
 * error mean what they mean in a shell. It runs in a process group of its own, which gets TERM when its time is over
 * and KILL 5 s later. An EXIT trap that bash reads from BASH_ENV leaves its last working directory in a file.
 *
 * The command writes into FIFOs that `cat` relays, because a background process that keeps stdout open would keep the
 * whole exec open until it ends. When the command's shell has ended, the record
 *
 *     NUL nonce NUL timed-out (0|1) NUL problem NUL working directory NUL
 *
 * follows its output through both FIFOs, twice: when the FIFO is empty after the second, `cat` has come back after
 * passing on the first and all before it, so it can be killed. What a background process writes from then on goes to
 * /dev/null instead of breaking its pipe. Both streams carry the record, as either may be cut at its limit.
 *
 * Needs bash ≥ 4.3, cat, mkdir, mkfifo, rm, sleep, and a writable /tmp. The run's folder is /tmp/.matrx-exec-<run id>.
 */
export const SUPERVISOR_SCRIPT = `
set -m
for field in nonce run cwd seconds command; do IFS= read -r -d '' "$field" || exit 125; done
exec </dev/null {caller_err}>&2 2>/dev/null
dir=/tmp/.matrx-exec-$run
if ! { mkdir -m 700 "$dir" && mkfifo "$dir/out" "$dir/err" "$dir/idle" && : >"$dir/cwd"; }; then
  printf 'matrx: cannot run a command, because /tmp of the sandbox is full or not writable\\n' >&"$caller_err"
  exit 125
fi
trap 'rm -rf "$dir"' EXIT
exec {out}<>"$dir/out" {err}<>"$dir/err" {idle}<>"$dir/idle"
pause() { IFS= read -r -t 0.01 -u "$idle"; }
cat <"$dir/out" {out}>&- {err}>&- {idle}>&- {caller_err}>&- & relay_out=$!
cat <"$dir/err" >&"$caller_err" {out}>&- {err}>&- {idle}>&- {caller_err}>&- & relay_err=$!

timed_out=0 problem= status=126
if cd -- "$cwd"; then
  printf "unset BASH_ENV OLDPWD; trap 'builtin printf %%s \\"\\$PWD\\" >|%s/cwd' EXIT" "$dir" >"$dir/env"
  BASH_ENV=$dir/env bash -c -- "$command" >"$dir/out" 2>"$dir/err" \\
    {out}>&- {err}>&- {idle}>&- {caller_err}>&- & group=$!
  printf %s "$group" >"$dir/group"
  {
    sleep "$seconds"; : >"$dir/timed-out"; kill -TERM -- "-$group"
    sleep 5; kill -KILL -- "-$group"
  } >/dev/null {out}>&- {err}>&- {idle}>&- {caller_err}>&- & clock=$!
  while :; do
    wait "$group"; status=$?
    kill -0 "$group" || break # gone, and not just stopped
    pause
  done
  kill -KILL -- "-$clock"
  if [ -e "$dir/timed-out" ]; then
    timed_out=1 status=124
    for ((n = 0; n < 500; n++)); do kill -0 -- "-$group" || break; pause; done
    kill -KILL -- "-$group"
  fi
  [ -s "$dir/cwd" ] && IFS= read -r -d '' cwd <"$dir/cwd"
else
  problem=no-directory
fi

record() { printf '\\0%s\\0%s\\0%s\\0%s\\0' "$nonce" "$timed_out" "$problem" "$cwd" >&"$1"; }
drained() {
  for ((n = 0; n < 500; n++)); do
    read -r -t 0 -u "$1" || return 0
    kill -0 "$2" || return 1
    pause
  done
  return 1
}
finish() {
  drained "$1" "$2" && record "$1" && drained "$1" "$2" && record "$1" && drained "$1" "$2"
  exec {rest}<"$3" # here: cat would open it after it is removed, and the next write of a background process kill that
  kill -KILL "$2"
  cat <&"$rest" >/dev/null {rest}>&- {out}>&- {err}>&- {idle}>&- {caller_err}>&- & disown
  exec {rest}<&-
}
finish "$out" "$relay_out" "$dir/out"
finish "$err" "$relay_err" "$dir/err"
exit "$status"
`;

/**
 * Kills the run whose id is the first argument, for a caller that went away: the end of a `pods/exec` connection kills
 * nothing. Waits up to 5 s for a run that is only just starting; a run that is over is none of its business.
 */
export const KILL_SCRIPT = `
file=/tmp/.matrx-exec-$1/group
for ((n = 0; n < 50; n++)); do
  [ -s "$file" ] && { kill -KILL -- "-$(cat "$file")"; exit; }
  sleep 0.1
done
exit 0
`;
