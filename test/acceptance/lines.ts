/**
 * What the product that this one re-imagines did, each line in the form it has here, and each of its defects that must
 * not exist here. A test that shows a line names its id in its title: `[A1.4]`, `[T6]`.
 */
export interface AcceptanceLine {
  readonly id: string;
  readonly says: string;
}

export const LINES: readonly AcceptanceLine[] = [
  {
    id: 'A1.1',
    says: 'An API key in its own header (whose name is a setting) or as Bearer; /, /health, /docs, /openapi.json and /redoc are open; 401 without, 403 with a wrong one, compared in constant time, both logged.',
  },
  {
    id: 'A1.2',
    says: 'Errors carry `detail`: a sentence, or with 422 a list of {type, loc, msg, input}; what nobody expected is a 500 that tells nothing of the inside.',
  },
  { id: 'A1.3', says: 'GET / names the service, its version and where its documentation is.' },
  { id: 'A1.4', says: 'GET /health: healthy, how many sandboxes are active, seconds of uptime with one decimal.' },
  {
    id: 'A1.5',
    says: 'POST /sandboxes answers 201 with the sandbox once it takes commands; a failed start is an error status with problem details and the sandbox_id, whose record can be read.',
  },
  { id: 'A1.6', says: 'A sandbox has the ten fields of the original, with the same names, types and defaults.' },
  { id: 'A1.7', says: 'GET /sandboxes?user_id= lists all of them, the stopped ones too, newest first, with total.' },
  { id: 'A1.8', says: 'GET /sandboxes/{id} is 200, or 404 with the promised sentence.' },
  {
    id: 'A1.9',
    says: 'DELETE /sandboxes/{id}?graceful= is 204 and keeps the record as stopped, user_requested; not graceful kills at once; 404.',
  },
  {
    id: 'A1.10',
    says: 'exec: command, timeout, user and cwd in, exit_code, stdout, stderr and cwd out; the request’s cwd, else the last one, else the home; no marker ever in stdout; 404, 400, 422 and an error while not running.',
  },
  {
    id: 'A1.11',
    says: 'access gives a fresh Ed25519 key in OpenSSH form with username, host, port and the ssh command; the private half is kept nowhere.',
  },
  { id: 'A1.12', says: 'heartbeat is acknowledged with the id, or 404.' },
  { id: 'A1.13', says: 'complete, with or without a result, shuts down gracefully: graceful_shutdown.' },
  { id: 'A1.14', says: 'error, with a message and details, shuts down gracefully: error; logged with the user.' },
  {
    id: 'A1.15',
    says: 'One log line a request with method, path, status, duration_ms and client_ip, as JSON lines or as text.',
  },
  {
    id: 'A2.1',
    says: 'The statuses creating, starting, ready, running (after a heartbeat), shutting_down, stopped, failed and expired, and the five stop reasons.',
  },
  {
    id: 'A2.2',
    says: 'Every field of the original’s table has a place in the Sandbox; expires_at follows from the first ready; killing every process loses none.',
  },
  { id: 'A2.3', says: 'A pod that is gone is noticed; what is past its expiry is ended as expired.' },
  { id: 'A2.4', says: 'What was unsaved at a crash is saved after it; a sandbox without room says so.' },
  {
    id: 'A3.1',
    says: 'The bucket is checked at the start and named with the permission that is missing; settings without a meaning here are refused by name.',
  },
  {
    id: 'A3.2',
    says: 'A sandbox knows its id, its user, its paths and the facade’s URL; its limits are the template’s; labels name sandbox and user.',
  },
  {
    id: 'A4.1',
    says: 'A user’s files lie below users/<id>/; statistics and cleanup of a tier.',
  },
  {
    id: 'A4.2',
    says: 'The home is there before the first process and saved when it ends, with modes, links, times, deletions and renames; a new user starts with an empty one.',
  },
  { id: 'A4.3', says: 'Cold storage is mounted at /data/cold within 30 seconds, and can be written.' },
  {
    id: 'A5.1',
    says: 'A sandbox starts in order: home, then processes; what an entrypoint’s steps did, conditions tell.',
  },
  { id: 'A5.2', says: 'A stop saves the home whatever the processes do, and says so.' },
  { id: 'A5.3', says: 'healthcheck prints HEALTHY, NOT READY or UNHEALTHY with the reason.' },
  { id: 'A5.4', says: 'A shell of the agent for people, and a smoke test of programs, tools and places to write.' },
  {
    id: 'A6.1',
    says: 'The image has the programs, languages and packages that the original’s had, and the user agent.',
  },
  { id: 'A6.2', says: 'The core contract: paths, commands and variables that images built on core can rely on.' },
  { id: 'A6.3', says: 'A sandbox without storage (ephemeral), and a terminal in the browser.' },
  { id: 'A7.1', says: 'matrx_agent: SandboxClient, its URL’s precedence, info and paths.' },
  { id: 'A7.2', says: 'matrx_agent: heartbeat, signal_complete and signal_error with their retries and failures.' },
  { id: 'A8.1', says: 'matrx_tools: dispatch never raises; results have the promised form.' },
  { id: 'A8.2', says: 'matrx_tools: ToolSession, its working directory, what it remembers and cleans up.' },
  { id: 'A8.3', says: 'Read: lines, limits, images, PDF pages, notebooks.' },
  { id: 'A8.4', says: 'Write, Edit and MultiEdit: read first, atomic, unique.' },
  { id: 'A8.5', says: 'Glob and Grep.' },
  { id: 'A8.6', says: 'NotebookEdit.' },
  { id: 'A8.7', says: 'Bash, BashOutput and TaskStop.' },
  { id: 'A8.8', says: 'WebFetch, WebSearch and TodoWrite.' },
  { id: 'A8.9', says: 'The browser tools, in a real browser.' },
  { id: 'A9.1', says: 'The AWS resources, with least rights and nothing open.' },
  { id: 'A9.2', says: 'The variables and outputs of the Terraform module.' },
  { id: 'A9.3', says: 'The host’s bootstrap, pinned, checked and repeatable.' },
  {
    id: 'A9.4',
    says: 'CI on push and pull request; deployment with roll-out, health check and roll-back.',
  },
  { id: 'A9.5', says: 'The owner’s own release tooling stays out of the product.' },
  {
    id: 'A9.6',
    says: 'What the original tested is tested: authentication, 422, 404, unique ids, filter, heartbeat, exec on what does not run, too long a command, destroy keeps the record, storage.',
  },
  {
    id: 'T1',
    says: 'A command’s timeout is applied, to all that it started; a long command holds up nobody else.',
  },
  {
    id: 'T2',
    says: 'A command that ends with &, a comment or a heredoc means what it means in a shell; the working directory survives a restart of the facade and several clients.',
  },
  { id: 'T3', says: 'No sandbox lives for ever: expiry runs.' },
  { id: 'T4', says: 'A late heartbeat revives nothing; a timely one makes it running.' },
  { id: 'T5', says: 'SSH: host and port are the real ones; keys expire; access moves no working directory.' },
  { id: 'T6', says: 'A sandbox’s heartbeat, complete and error work with authentication on.' },
  {
    id: 'T7',
    says: 'A sandbox holds no storage credential, and no caller chooses the bucket.',
  },
  {
    id: 'T8',
    says: 'Deletions stay deleted; links, modes and empty folders come back; work is saved while it goes on; two sandboxes of one user do not overwrite each other.',
  },
  { id: 'T9', says: 'A start that failed is never answered with 201; ready is ready now.' },
  { id: 'T10', says: 'A stop at any moment, also right after the start, saves the home.' },
  { id: 'T11', says: 'The smoke test fails when one tool fails.' },
  {
    id: 'T12',
    says: 'Nothing a model says reaches a shell unquoted; a timeout kills the children too; buffers are bounded.',
  },
  { id: 'T13', says: 'The integration tests use ids that the product accepts, and run.' },
  { id: 'T14', says: 'Refused requests are in the access log as well.' },
];
