import { useState } from 'preact/hooks';
import type { ShareView, StreamDetails } from '../../stats/dashboard-types.ts';
import { call } from '../api.ts';
import { dateText } from '../format.ts';
import { CopyButton } from '../parts/Copy.tsx';
import { Qr } from '../parts/Qr.tsx';

export interface SharesProps {
  details: StreamDetails;
  canWrite: boolean;
  onChange: () => void;
}

/** Links that show one stream to whoever has them. */
export const Shares = ({ details, canWrite, onChange }: SharesProps) => {
  const [days, setDays] = useState(7);
  const [made, setMade] = useState<string>();
  const [problem, setProblem] = useState('');
  const base = `/data/streams/${details.name}/shares`;
  const fail = (error: Error): void => setProblem(error.message);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    call<ShareView & { path: string }>('POST', base, { days }).then(({ path }) => {
      setMade(`${location.origin}${path}`);
      setProblem('');
      onChange();
    }, fail);
  };
  return (
    <section class="card">
      <h2>Share what is seen here</h2>
      <p class="faint">
        A link shows the numbers of this stream and its links: no ids, no addresses, nothing to change. A moderator can
        keep an eye on the bond with it.
      </p>
      {canWrite && (
        <form class="inline-form" onSubmit={onSubmit}>
          <label class="field">
            <span>Good for</span>
            <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
              <option value={1}>a day</option>
              <option value={7}>a week</option>
              <option value={30}>30 days</option>
              <option value={365}>a year</option>
            </select>
          </label>
          <button type="submit" class="button primary">
            Make a link
          </button>
        </form>
      )}
      <p class="notice" data-tone="bad" role="alert" hidden={problem === ''}>
        {problem}
      </p>
      {made && (
        <div class="made" role="status">
          <div>
            <p>Copy it now: it is not shown again.</p>
            <p class="paste-line">
              <code class="paste-value">{made}</code>
              <CopyButton text={made} what="the link" />
            </p>
          </div>
          <Qr text={made} label="QR code of the link" />
        </div>
      )}
      {details.shares.length > 0 && (
        <ul class="rows">
          {details.shares.map((share) => (
            <li key={share.id}>
              <span>
                Made {dateText(share.createdMs)}, good until {dateText(share.expiresMs)}
                <span class="sub">{share.id}</span>
              </span>
              {canWrite && (
                <button
                  type="button"
                  class="button small"
                  onClick={() => call('DELETE', `${base}/${share.id}`).then(onChange, fail)}
                >
                  Take back
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
};
