import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from './Dialog.tsx';

export interface ConfirmProps {
  title: string;
  /** The word on the button. */
  action: string;
  run: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}

/** Asks before something that cannot be taken back. */
export const Confirm = ({ title, action, run, onClose, children }: ConfirmProps) => {
  const [problem, setProblem] = useState('');
  const onClick = (): void => {
    run().then(onClose, (error: Error) => setProblem(error.message));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{children}</p>
      <p class="notice" data-tone="bad" role="alert" hidden={problem === ''}>
        {problem}
      </p>
      <p class="actions end">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="button danger" onClick={onClick}>
          {action}
        </button>
      </p>
    </Dialog>
  );
};
