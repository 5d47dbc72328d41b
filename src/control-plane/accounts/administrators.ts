import { bearer, isSameSecret } from '../../stats/access.ts';
import type { HeaderBearer } from './authenticator.ts';
import type { AccountsContext } from './context.ts';
import { isRightCsrf } from './web-sessions.ts';

/**
 * Whether an administrator sends this: the key of the settings or an administrator's access token as bearer, or the cookie of one together
 * with `X-CSRF-Token`, which another site cannot know.
 */
export const isAdministrator = async (context: AccountsContext, request: HeaderBearer): Promise<boolean> => {
  const { settings, authenticator, users, webSessions } = context;
  const token = bearer(request);
  if (token !== undefined) {
    const { adminKey } = settings.controlPlane;
    if (adminKey !== undefined && isSameSecret(token, adminKey)) return true;
    const caller = await authenticator.authenticate(request);
    return caller !== undefined && (await users.get(caller.userId))?.isAdmin === true;
  }
  const session = await webSessions.of(request);
  const { 'x-csrf-token': csrf } = request.headers;
  return session?.user.isAdmin === true && typeof csrf === 'string' && isRightCsrf(csrf, session.csrf);
};
