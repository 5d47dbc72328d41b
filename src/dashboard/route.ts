import { useEffect, useState } from 'preact/hooks';

/** Goes to another page without loading one. */
export const go = (path: string): void => {
  history.pushState(undefined, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
  scrollTo(0, 0);
};

/** The path of the page. */
export const usePath = (): string => {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const onMove = (): void => setPath(location.pathname);
    addEventListener('popstate', onMove);
    return () => removeEventListener('popstate', onMove);
  }, []);
  return path;
};

/** For a link: a plain click stays in the page, anything else is the browser's. */
export const stay = (event: MouseEvent): void => {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go((event.currentTarget as HTMLAnchorElement).pathname);
};
