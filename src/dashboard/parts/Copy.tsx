import { useEffect, useState } from 'preact/hooks';
import { Icon } from './Icon.tsx';

/** Without HTTPS browsers keep the clipboard from pages; the old way still works. */
const copyText = async (text: string): Promise<boolean> => {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  const field = document.createElement('textarea');
  field.value = text;
  // Where a dialog is open, everything outside of it is inert.
  const place = document.querySelector('dialog[open]') ?? document.body;
  place.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  return isCopied;
};

export const CopyButton = ({ text, what }: { text: string; what: string }) => {
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return undefined;
    const timer = setTimeout(() => setState('idle'), 2_000);
    return () => clearTimeout(timer);
  }, [state]);
  const onClick = (): void => {
    void copyText(text).then((isCopied) => setState(isCopied ? 'done' : 'failed'));
  };
  return (
    <button type="button" class="button small" onClick={onClick} aria-label={`Copy ${what}`} data-state={state}>
      <Icon name={state === 'done' ? 'check' : 'copy'} size={15} />
      <span aria-live="polite">{state === 'done' ? 'Copied' : state === 'failed' ? 'Select it' : 'Copy'}</span>
    </button>
  );
};
