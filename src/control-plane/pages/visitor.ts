import type { WebSession } from '../accounts/web-sessions.ts';
import type { PageUser } from './layout.ts';

/** Who is signed in, as the head of a page needs it. */
export const pageUser = ({ user, csrf }: WebSession): PageUser => ({
  displayName: user.displayName,
  isAdmin: user.isAdmin,
  csrf,
});
