import type { FastifyReply, FastifyRequest } from 'fastify';
import { codeOf, messageOf } from '../../shared/errors.ts';
import { keyOf, type Limiting, tooMany } from '../access.ts';
import { errorAnswer } from '../compat-sls.ts';
import type { StatsDeps } from '../deps.ts';
import type { GuessLimit } from '../guess-limit.ts';
import { sendJson } from '../http-app.ts';
import type { NodeWatch } from '../node-watch.ts';
import type { RequestBudget } from '../request-budget.ts';
import { shownPublisher } from '../timeline.ts';

/** What the routes of one server share. */
export interface RouteContext extends Limiting {
  readonly deps: StatsDeps;
  readonly watch: NodeWatch;
  readonly guesses: GuessLimit;
  /** Of requests that need a key and have none, wherever they come in: nobody gets to try more of them elsewhere. */
  readonly keyless: RequestBudget;
}

/** The answer to a request without a valid key. */
export const refuseKeyless = (
  { keyless, callers, clock }: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  message: string,
): FastifyReply =>
  keyless.take(callers.addressOf(request), clock())
    ? sendJson(reply, 401, errorAnswer(message))
    : tooMany(reply, clock());

/** The publisher whose stream an id stands for: a player id, or the publisher id itself; undefined where there is no such id. */
export const publisherOf = ({ directory, snapshot }: StatsDeps, id: string): string | undefined => {
  const owner = directory.publisherOfPlayer(id);
  if (owner !== undefined) return owner;
  // A row may be gone while its stream still plays out.
  return directory.hasPublisher(id) || shownPublisher(snapshot(), id) ? id : undefined;
};

/** The publisher id that an id stands for; else it has been answered: 404, or 429 where somebody guesses. */
export const askedPublisher = (
  { deps, guesses, callers, clock }: RouteContext,
  id: string,
  request: FastifyRequest,
  reply: FastifyReply,
): string | undefined => {
  const publisherId = publisherOf(deps, id);
  if (!guesses.admits(callers.addressOf(request), id, publisherId !== undefined, clock())) tooMany(reply, clock());
  else if (publisherId === undefined) sendJson(reply, 404, errorAnswer('Invalid player key'));
  else return publisherId;
  return undefined;
};

/** Who did it, for the log. */
export const actor = (request: FastifyRequest, { keys }: StatsDeps): string => keyOf(request, keys)?.id ?? '';

/** The answer to a change that was not made. @param player the player id of a row that was to be added */
export const refuseChange = (reply: FastifyReply, { logger }: StatsDeps, error: unknown, player = ''): FastifyReply => {
  switch (codeOf(error)) {
    case 'TRIBUTARY_STREAM_ID_TAKEN':
      return sendJson(reply, 409, errorAnswer(`Stream ID with player '${player}' already exists`));
    case 'TRIBUTARY_STREAM_ID_INVALID':
      return sendJson(reply, 400, errorAnswer(messageOf(error)));
    case 'TRIBUTARY_DATA_DIR_UNWRITABLE':
      // Not 409, as SLS does: control planes take that for "exists already".
      logger.error('a change was not stored', { error: messageOf(error) });
      return sendJson(reply, 500, errorAnswer('The change could not be stored'));
    default:
      throw error;
  }
};
