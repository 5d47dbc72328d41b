import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** docs/api.md of this very version, fetched when it is looked at. */
export const ApiDocs = () => {
  const [text, setText] = useState<VNode[]>();
  useEffect(() => {
    void Promise.all([import('../../../docs/api.md?raw'), import('../markdown.tsx')]).then(([page, { markdown }]) =>
      setText(markdown(page.default)),
    );
  }, []);
  return text ? <article class="card prose">{text}</article> : <p class="loading">Loading…</p>;
};
