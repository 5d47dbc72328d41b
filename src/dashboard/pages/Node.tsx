import { useState } from 'preact/hooks';
import type { LiveView, SettingView } from '../../stats/dashboard-types.ts';
import { call } from '../api.ts';
import { useAsked } from '../feed.ts';
import { Confirm } from '../parts/Confirm.tsx';
import { Scroll } from '../parts/Scroll.tsx';
import { Segments } from '../parts/Segments.tsx';

const Drain = ({ view }: { view: LiveView | undefined }) => {
  const [isAsking, setAsking] = useState(false);
  const draining = view?.draining ?? false;
  return (
    <section class="card drain" data-on={draining}>
      <div>
        <h2>Drain</h2>
        <p class="faint">
          {draining
            ? 'No new sender is admitted. Streams that run go on, players may come.'
            : 'Before maintenance: admits no new sender, and lets everything that runs go on. Good until it is ended or the node restarts.'}
        </p>
      </div>
      <button type="button" class={draining ? 'button primary' : 'button'} onClick={() => setAsking(true)}>
        {draining ? 'Admit senders again' : 'Drain this node'}
      </button>
      {isAsking && (
        <Confirm
          title={draining ? 'Admit senders again?' : 'Drain this node?'}
          action={draining ? 'Admit' : 'Drain'}
          onClose={() => setAsking(false)}
          run={() => call('POST', '/api/drain', { drain: !draining })}
        >
          {draining
            ? 'New streams may begin on this node again.'
            : 'A sender that loses its connection does not get back in until this is ended.'}
        </Confirm>
      )}
    </section>
  );
};

/** When a new value counts. */
const COUNTS: Readonly<Record<SettingView['reload'], string>> = {
  live: 'at once',
  'next-session': 'for what begins later',
  restart: 'after a restart',
};

export const NodePage = ({ view }: { view: LiveView | undefined }) => {
  const { data, error } = useAsked<{ settings: SettingView[] }>('/data/settings');
  const [isAll, setAll] = useState(false);
  const shown = data?.settings.filter(({ changed }) => isAll || changed) ?? [];
  return (
    <section class="stack">
      <Drain view={view} />
      <section class="card">
        <div class="section-head">
          <h2>Settings</h2>
          <Segments
            label="Which settings"
            choices={[
              { value: 'changed', text: 'Changed' },
              { value: 'all', text: 'All' },
            ]}
            chosen={isAll ? 'all' : 'changed'}
            onChoose={(value) => setAll(value === 'all')}
          />
        </div>
        <p class="faint">
          They come from the settings file, the environment and the command line. The node reads the file again when it
          changes; below each name is when a new value counts.
        </p>
        {!data ? (
          <p class="loading">{error ?? 'Reading the settings…'}</p>
        ) : shown.length === 0 ? (
          <p>Everything is as it comes.</p>
        ) : (
          <Scroll label="Table of settings">
            <table class="table settings">
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  <th scope="col">Value</th>
                  <th scope="col">Default</th>
                  <th scope="col">Meaning</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((setting) => (
                  <tr key={setting.path} data-changed={setting.changed}>
                    <th scope="row">
                      <code>{setting.path}</code>
                      <span class="sub">{setting.env}</span>
                      <span class="sub">{COUNTS[setting.reload]}</span>
                    </th>
                    <td>
                      <code>{setting.value || '–'}</code>
                    </td>
                    <td>
                      <code>{setting.byDefault || '–'}</code>
                    </td>
                    <td class="meaning">{setting.doc}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </section>
    </section>
  );
};
