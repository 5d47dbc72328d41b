import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { SessionView } from '../../stats/dashboard-types.ts';
import { stay } from '../route.ts';
import { chooseTheme, isDark } from '../theme.ts';
import { Icon, type IconName } from './Icon.tsx';

export const Logo = () => (
  <span class="logo">
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" class="logo-mark">
      <path d="M4 7c7 0 7 9 13 9" style={{ stroke: 'var(--link-0)' }} />
      <path d="M4 25c7 0 7-9 13-9" style={{ stroke: 'var(--link-2)' }} />
      <path d="M4 16h24" style={{ stroke: 'var(--link-1)' }} />
    </svg>
    Tributary
  </span>
);

const LINKS: readonly { href: string; text: string; icon: IconName }[] = [
  { href: '/', text: 'Live', icon: 'live' },
  { href: '/manage', text: 'Manage', icon: 'manage' },
  { href: '/setup', text: 'Set-up', icon: 'setup' },
];

const isWithin = (path: string, href: string): boolean =>
  href === '/' ? path === '/' || path.startsWith('/streams/') : path.startsWith(href);

export const ThemeButton = () => {
  const [dark, setDark] = useState(isDark());
  const onClick = (): void => {
    chooseTheme(dark ? 'light' : 'dark');
    setDark(!dark);
  };
  return (
    <button
      type="button"
      class="button ghost icon-only"
      onClick={onClick}
      aria-label={dark ? 'Light theme' : 'Dark theme'}
    >
      <Icon name={dark ? 'sun' : 'moon'} />
    </button>
  );
};

export interface FrameProps {
  path: string;
  session: SessionView;
  /** What is wrong with the connection to the node; empty where nothing is. */
  trouble: string;
  onSignOut: () => void;
  children: ComponentChildren;
}

/** What every page has around it. */
export const Frame = ({ path, session, trouble, onSignOut, children }: FrameProps) => (
  <div class="frame">
    <a class="skip" href="#content">
      To the content
    </a>
    <header class="top">
      <a href="/" onClick={stay} class="home">
        <Logo />
      </a>
      <nav class="nav" aria-label="Pages">
        {LINKS.map(({ href, text, icon }) => (
          <a key={href} href={href} onClick={stay} aria-current={isWithin(path, href) ? 'page' : undefined}>
            <Icon name={icon} />
            {text}
          </a>
        ))}
      </nav>
      <div class="top-end">
        <ThemeButton />
        <button type="button" class="button ghost icon-only" onClick={onSignOut} aria-label="Sign out">
          <Icon name="leave" />
        </button>
      </div>
    </header>
    <p class="trouble" role="status" data-on={trouble !== ''}>
      {trouble}
    </p>
    <main id="content" tabindex={-1}>
      {children}
    </main>
    <footer class="foot">
      <span>
        Tributary {session.version} on {session.node}
      </span>
      <a href="/docs">Documentation</a>
      <a href="/docs/api">API</a>
      {(session.attributions ?? []).map((line) => (
        <span key={line}>{line}</span>
      ))}
    </footer>
  </div>
);
