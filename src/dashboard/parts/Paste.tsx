import { useState } from 'preact/hooks';
import type { PasteCard } from '../../stats/dashboard-types.ts';
import { concealed } from '../format.ts';
import { CopyButton } from './Copy.tsx';
import { Dialog } from './Dialog.tsx';
import { Icon } from './Icon.tsx';
import { Qr } from './Qr.tsx';

type Field = PasteCard['fields'][number];

const FieldRow = ({ field, program, onScan }: { field: Field; program: string; onScan: (field: Field) => void }) => {
  const [isOpen, setOpen] = useState(field.secret !== true);
  const what = `${field.name} for ${program}`;
  return (
    <div class="paste-row">
      <dt>{field.name}</dt>
      <dd>
        <code class="paste-value">{isOpen ? field.value : concealed(field.value)}</code>
        <span class="paste-actions">
          {field.secret && (
            <button
              type="button"
              class="button small"
              aria-pressed={isOpen}
              onClick={() => setOpen(!isOpen)}
              aria-label={`${isOpen ? 'Hide' : 'Show'} ${what}`}
            >
              <Icon name="eye" size={15} />
              <span>{isOpen ? 'Hide' : 'Show'}</span>
            </button>
          )}
          {!field.plain && <CopyButton text={field.value} what={what} />}
          {field.scan && (
            <button type="button" class="button small" onClick={() => onScan(field)} aria-label={`QR code of ${what}`}>
              <Icon name="qr" size={15} />
              <span>QR</span>
            </button>
          )}
        </span>
      </dd>
    </div>
  );
};

/** What to put into one program. */
export const Paste = ({ card }: { card: PasteCard }) => {
  const [scanned, setScanned] = useState<Field>();
  return (
    <section class="card paste">
      <h3>{card.program}</h3>
      <p class="faint">{card.note}</p>
      <dl>
        {card.fields.map((field) => (
          <FieldRow key={field.name} field={field} program={card.program} onScan={setScanned} />
        ))}
      </dl>
      {scanned && (
        <Dialog title={`${card.program}: ${scanned.name}`} onClose={() => setScanned(undefined)}>
          <Qr text={scanned.value} label={`QR code of the ${scanned.name} for ${card.program}`} />
          {scanned.secret && (
            <p class="notice" data-tone="warn">
              <Icon name="warn" size={16} />
              Whoever films this code can go live in your place.
            </p>
          )}
        </Dialog>
      )}
    </section>
  );
};
