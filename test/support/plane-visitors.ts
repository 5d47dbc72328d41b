import { PageClient, PluginClient } from './plugin-client.ts';

const PASSWORD = 'correct horse battery';

/** What people do at a control plane that is up: the first administrator, users by invitation, sign-ins of their plugins. */
export abstract class PlaneVisitors {
  /** Without a slash at its end. */
  abstract get url(): string;
  /** As it was printed. */
  abstract get setUpLink(): string;

  /** A browser in which the first administrator is signed in. */
  async setUp(): Promise<PageClient> {
    const browser = new PageClient(this.url);
    const path = new URL(this.setUpLink).pathname;
    await browser.open(path);
    const email = 'admin@example.org';
    const status = await browser.send(path, { email, name: 'Ada', password: PASSWORD, again: PASSWORD });
    if (status !== 303) throw new Error(`no administrator: ${status} ${browser.page}`);
    return browser;
  }

  /** A browser in which a new user is signed in, who may have so many streams. */
  async addUser(admin: PageClient, name: string, slots: number): Promise<PageClient> {
    await admin.open('/admin/users');
    await admin.send('/admin/invitations', { email: `${name}@example.org`, slots: String(slots), role: 'user' });
    const path = new URL(/<code>([^<]+\/invite\/[^<]+)<\/code>/.exec(admin.page)?.[1] ?? '').pathname;
    const browser = new PageClient(this.url);
    await browser.open(path);
    const status = await browser.send(path, { name, password: PASSWORD, again: PASSWORD });
    if (status !== 303) throw new Error(`no user: ${status} ${browser.page}`);
    return browser;
  }

  /** The plugin, signed in by the user of this browser. */
  async plugin(browser: PageClient): Promise<{ client: PluginClient; slots: string[] }> {
    const client = new PluginClient(this.url);
    const { status, body } = await client.login(async (url) => {
      const { pathname } = new URL(url);
      await browser.open(pathname);
      await browser.send(pathname, { outcome: 'completed' });
    });
    if (status !== 200) throw new Error(`not signed in: ${status} ${JSON.stringify(body)}`);
    const slots = body.stream_slots.map(({ stream_token }: { stream_token: string }) => stream_token);
    return { client, slots };
  }
}
