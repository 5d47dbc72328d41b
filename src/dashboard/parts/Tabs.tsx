import { stay } from '../route.ts';

/** Views of one page; each has an address of its own. */
export const Tabs = ({
  label,
  path,
  tabs,
}: {
  label: string;
  path: string;
  tabs: readonly { href: string; text: string }[];
}) => (
  <nav class="tabs" aria-label={label}>
    {tabs.map(({ href, text }) => (
      <a key={href} href={href} onClick={stay} aria-current={path === href ? 'page' : undefined}>
        {text}
      </a>
    ))}
  </nav>
);
