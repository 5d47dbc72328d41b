import type { ChecklistView, DoctorView, IdView, LiveView } from '../../stats/dashboard-types.ts';
import { useAsked } from '../feed.ts';
import { ago, capital } from '../format.ts';
import { Icon } from '../parts/Icon.tsx';
import { stay } from '../route.ts';

const STEPS: readonly { name: string; steps: readonly ChecklistView['step'][] }[] = [
  { name: 'Packets arrive', steps: ['packets'] },
  { name: 'Links are registered', steps: ['registered'] },
  { name: 'The encoder is let in', steps: ['refused'] },
  { name: 'The stream is live', steps: ['live'] },
  { name: 'A player watches', steps: ['playing'] },
];
/** How many of the five are done at each step. */
const DONE: Readonly<Record<ChecklistView['step'], number>> = {
  waiting: 0,
  packets: 1,
  registered: 2,
  refused: 2,
  live: 4,
  playing: 5,
};

const SAID: Readonly<Record<ChecklistView['step'], string>> = {
  waiting: 'Waiting for packets',
  packets: 'Packets arrive',
  registered: 'Links are registered',
  refused: 'The encoder is refused',
  live: 'The stream is live',
  playing: 'A player watches',
};

const Checklist = ({ checklist }: { checklist: ChecklistView }) => {
  const done = DONE[checklist.step];
  return (
    <section class="card" aria-labelledby="way">
      <h2 id="way">The way of your stream</h2>
      <ol class="steps">
        {STEPS.map(({ name }, index) => {
          const state =
            index < done ? 'done' : index === done ? (checklist.step === 'refused' ? 'bad' : 'now') : 'open';
          return (
            <li key={name} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
              <span class="step-mark">{state === 'done' ? <Icon name="check" size={14} /> : index + 1}</span>
              {name}
              <span class="hidden">{state === 'done' ? ': done' : ''}</span>
            </li>
          );
        })}
      </ol>
      <p class="now" data-step={checklist.step}>
        {capital(checklist.text)}
      </p>
      {/* Read out when the step changes; the text above changes with every number in it. */}
      <p class="hidden" role="status">
        {SAID[checklist.step]}
      </p>
      {checklist.causes.length > 0 && (
        <div class="causes">
          <h3>Likeliest causes{checklist.forMs > 30_000 ? `, after ${ago(checklist.forMs)} at this step` : ''}</h3>
          <ol>
            {checklist.causes.map((cause) => (
              <li key={cause}>{capital(cause)}</li>
            ))}
          </ol>
        </div>
      )}
    </section>
  );
};

const Doctor = () => {
  const { data, error } = useAsked<DoctorView>('/data/doctor', 5_000);
  return (
    <section class="card">
      <h2>This machine</h2>
      {!data ? (
        <p class="loading">{error ?? 'Looking…'}</p>
      ) : (
        <>
          <ul class="checks">
            {data.checks.map(({ fine, text }) => (
              <li key={text.slice(0, 24)} data-fine={fine}>
                <Icon name={fine ? 'check' : 'warn'} size={16} />
                <span>
                  <span class="hidden">{fine ? 'Fine: ' : 'Warning: '}</span>
                  {capital(text)}
                </span>
              </li>
            ))}
          </ul>
          <h3>A firewall must let in</h3>
          <ul class="firewall">
            {data.firewall.map(({ port, what }) => (
              <li key={port}>
                <code>{port}</code> {what}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
};

const Begin = () => {
  const { data } = useAsked<{ ids: IdView[] }>('/data/ids');
  const names = new Map((data?.ids ?? []).map((id) => [id.name, id.label ?? id.name]));
  return (
    <section class="card">
      <h2>What to paste</h2>
      <p class="faint">URLs and QR codes for IRL Pro, Moblin, BELABOX, OBS and VLC are on the page of each id.</p>
      <ul class="rows">
        {[...names].slice(0, 5).map(([name, label]) => (
          <li key={name}>
            <span>{label}</span>
            <a class="button small" href={`/streams/${name}/connect`} onClick={stay}>
              Connect
            </a>
          </li>
        ))}
      </ul>
      {data && names.size === 0 && (
        <p>
          There is no stream id yet:{' '}
          <a href="/manage" onClick={stay}>
            make one
          </a>
          .
        </p>
      )}
      {names.size > 5 && (
        <p>
          <a href="/manage" onClick={stay}>
            All ids
          </a>
        </p>
      )}
    </section>
  );
};

export const Setup = ({ view }: { view: LiveView | undefined }) => (
  <div class="page">
    <div class="page-head">
      <h1>Set-up help</h1>
    </div>
    <div class="two">
      <div class="stack">
        {view ? <Checklist checklist={view.checklist} /> : <p class="loading">Connecting to the node…</p>}
        <Begin />
      </div>
      <Doctor />
    </div>
  </div>
);
