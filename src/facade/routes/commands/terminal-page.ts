import { z } from 'zod';
import { isSandboxName } from '../../find-sandbox.ts';
import { problemError, sandboxNotFound } from '../../problem.ts';
import type { FacadeContext } from '../../request-state.ts';
import { type Route, route } from '../../route.ts';
import { TerminalQuery } from './terminal.ts';
import { readTerminalAsset, TERMINAL_ASSETS, type TerminalAsset } from '../../terminal/assets.ts';

/** xterm.js styles its rows by style elements of its own making. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * A page with a terminal, for people. It is the same for every sandbox and says nothing of any, so it is open to
 * everyone: the WebSocket that it opens asks for a key, or takes the ticket of the page's own address.
 */
export const terminalPageRoutes = (): readonly Route[] => [
  route({
    method: 'GET',
    path: '/sandboxes/:id/terminal',
    operationId: 'getTerminalPage',
    tag: 'terminal',
    summary: 'A page with a terminal, for people',
    description: 'It opens the WebSocket of the same address, with its `session`, or its `process` and `cursor`.',
    access: { kind: 'open' },
    query: TerminalQuery,
    responses: { 200: { description: 'The page.', contentType: 'text/html' } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' } }) => {
      if (!isSandboxName(id)) throw sandboxNotFound(id);
      await answerAsset(context, 'terminal.html');
    },
  }),
  route({
    method: 'GET',
    path: '/assets/terminal/:name',
    params: { name: { description: 'A file of it.', schema: z.enum(NAMES) } },
    operationId: 'getTerminalAsset',
    tag: 'terminal',
    summary: 'What the terminal page consists of',
    access: { kind: 'open' },
    responses: {
      200: {
        description: 'The file.',
        contentType: 'text/javascript',
        alternatives: { 'text/css': undefined, 'text/html': undefined },
      },
    },
    problems: ['not-found'],
    handle: async (context, { params: { name = '' } }) => {
      if (!isAsset(name)) throw problemError('not-found', `There is nothing at ${context.path}`);
      context.set('Cache-Control', 'public, max-age=300');
      await answerAsset(context, name);
    },
  }),
];

const NAMES = Object.keys(TERMINAL_ASSETS) as [TerminalAsset, ...TerminalAsset[]];
const isAsset = (name: string): name is TerminalAsset => Object.hasOwn(TERMINAL_ASSETS, name);

const answerAsset = async (context: FacadeContext, name: TerminalAsset): Promise<void> => {
  context.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  context.set('Content-Type', TERMINAL_ASSETS[name]);
  context.body = await readTerminalAsset(name);
};
