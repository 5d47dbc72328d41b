import type { ComponentChildren } from 'preact';

/** What may be wider than the page. Who has no mouse scrolls it with the keys: so it can be reached. */
export const Scroll = ({ label, children }: { label: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
  <section class="scroll" tabIndex={0} aria-label={label}>
    {children}
  </section>
);
