// The terminal page, in the browser. It keeps nothing: the key is in this page's memory, and gone with it.
import { Terminal } from './xterm.mjs';

const RECONNECT_MS = 1000;
/** How often in a row a connection may fail before the page gives up. */
const MAX_FAILURES = 5;
/** Closes after which the terminal is still there: going away, lost, restarting, unreachable for the moment. */
const PASSING = new Set([1001, 1006, 1011, 1012, 4503]);

const status = document.getElementById('status');
const login = document.getElementById('login');
const place = document.getElementById('terminal');
const given = new URLSearchParams(location.search);
const ticket = given.get('ticket');
const sandbox = decodeURIComponent(location.pathname.split('/').at(-2));

const terminal = new Terminal({ cursorBlink: true, scrollback: 5000 });
terminal.open(place);
document.title = `${sandbox} · Terminal`;

let socket;
/** The terminal that is shown: its process, the bytes received, and whether it is over. */
let shown = { process: given.get('process') ?? undefined, cursor: Number(given.get('cursor') ?? 0) };
let failures = 0;

const say = (text) => {
  status.textContent = text;
};

const address = () => {
  const url = new URL(location.pathname, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const { process, cursor } = shown;
  const query = process === undefined ? { cols: terminal.cols, rows: terminal.rows } : { process, cursor };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  if (given.has('session')) url.searchParams.set('session', given.get('session'));
  if (ticket !== null) url.searchParams.set('ticket', ticket);
  return url;
};

/** A page cannot set headers: the key goes among the subprotocols, in characters that may stand there. */
const protocols = (key) => {
  if (key === '') return ['matrx.v1'];
  const bytes = String.fromCharCode(...new TextEncoder().encode(key));
  const base64url = btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return ['matrx.v1', `matrx.key.${base64url}`];
};

const control = {
  start: ({ process_id: process, cursor }) => {
    failures = 0;
    shown = { process, cursor };
    say(`Connected to ${sandbox}`);
    resize();
    terminal.focus();
  },
  gap: ({ to }) => {
    shown.cursor = to;
    terminal.write('\r\n[output was dropped]\r\n');
  },
  end: ({ exit_code: code }) => say(`Ended with exit code ${code}`),
  problem: ({ title, detail }) => say(typeof detail === 'string' ? detail : title),
};

const connect = (key) => {
  login.hidden = true;
  say('Connecting…');
  socket = new WebSocket(address(), protocols(key));
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') {
      const message = JSON.parse(data);
      control[message.type]?.(message);
      return;
    }
    shown.cursor += data.byteLength;
    terminal.write(new Uint8Array(data));
  });
  socket.addEventListener('close', ({ code, reason }) => {
    if (code === 1000) return;
    failures += 1;
    if (shown.process !== undefined && PASSING.has(code) && failures < MAX_FAILURES) {
      say('Connection lost, connecting again…');
      setTimeout(() => connect(key), RECONNECT_MS);
      return;
    }
    say(reason === '' ? 'The connection was refused: is the key right, does the sandbox run?' : reason);
    login.hidden = ticket !== null;
  });
};

const send = (data) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(data);
};

/** As many columns and rows as fit: one cell is what the terminal draws now, divided by what it has now. */
const resize = () => {
  const screen = place.querySelector('.xterm-screen');
  const cols = Math.floor((place.clientWidth - 24) / (screen.clientWidth / terminal.cols));
  const rows = Math.floor((place.clientHeight - 8) / (screen.clientHeight / terminal.rows));
  if (!(cols > 1 && rows > 1)) return;
  if (cols !== terminal.cols || rows !== terminal.rows) terminal.resize(cols, rows);
  send(JSON.stringify({ type: 'resize', cols: terminal.cols, rows: terminal.rows }));
};

terminal.onData((text) => send(new TextEncoder().encode(text)));
terminal.onBinary((text) => send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
new ResizeObserver(resize).observe(place);

if (ticket === null) login.hidden = false;
else connect('');
login.addEventListener('submit', (event) => {
  event.preventDefault();
  connect(document.getElementById('key').value);
});
