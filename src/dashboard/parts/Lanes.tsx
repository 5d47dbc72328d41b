import type { LinkView } from '../../stats/dashboard-types.ts';
import type { Trail } from '../feed.ts';
import { ago, mbps, ms, percent, since } from '../format.ts';
import { linkVariable } from '../theme.ts';
import { Sparkline } from './Sparkline.tsx';

/** Unheard for so long, a lane has faded as far as it does. */
const FADED_AFTER_MS = 12_000;
const FRESH_MS = 2_500;

/** 1 for a link that was just heard, down to 0.25. */
const vigour = ({ state, lastHeardMs }: LinkView): number => {
  if (state === 'gone') return 0.25;
  const silent = Math.max(0, lastHeardMs - FRESH_MS) / (FADED_AFTER_MS - FRESH_MS);
  return Math.max(0.25, 1 - silent * 0.75);
};

const heardText = ({ state, lastHeardMs }: LinkView): string =>
  state === 'gone' ? `left ${ago(lastHeardMs)} ago` : since(lastHeardMs);

const KINDS: Readonly<Record<LinkView['kind'], string>> = {
  cellular: 'Cellular',
  fixed: 'Fixed line',
  satellite: 'Satellite',
  hosting: 'Hosting',
  // The label says so already.
  private: '',
  unknown: '',
};

const Lane = ({ link, values, most }: { link: LinkView; values: readonly number[]; most: number }) => {
  const where = [KINDS[link.kind], link.country].filter(Boolean).join(' · ');
  return (
    <tr
      class="lane"
      data-slot={link.slot}
      data-state={link.state}
      style={{ '--link': linkVariable(link.slot), '--vigour': vigour(link).toFixed(2) }}
    >
      <th scope="row" class="lane-name" title={link.address}>
        <span class="lane-mark" />
        <span class="lane-text">
          <span class="lane-label">{link.label}</span>
          <span class="lane-where">{where || link.address || (link.state === 'gone' ? 'gone' : 'link')}</span>
        </span>
      </th>
      <td class="lane-share">
        <span class="share-track" aria-hidden="true">
          <span class="share-bar" style={{ transform: `scaleX(${(link.share / 100).toFixed(3)})` }} />
        </span>
        <span class="share-value">{percent(link.share)}</span>
      </td>
      <td class="lane-spark">
        <Sparkline values={values} most={most} />
      </td>
      <td class="lane-rate">
        {mbps(link.kbps)}
        <span class="unit"> Mbit/s</span>
      </td>
      <td class="lane-rtt">{ms(link.rttMs)}</td>
      <td class="lane-jitter">{ms(link.jitterMs)}</td>
      <td class="lane-loss">{percent(link.lossPct)}</td>
      <td class="lane-heard">{heardText(link)}</td>
    </tr>
  );
};

/** A row for each link of a bonded stream. */
export const Lanes = ({ links, trail }: { links: readonly LinkView[]; trail: Trail }) => {
  const most = Math.max(...[...trail.links.values()].flat(), 1);
  return (
    <table class="lanes">
      <caption class="hidden">Links of the bond</caption>
      <thead>
        <tr>
          <th scope="col">Link</th>
          <th scope="col">Share</th>
          <th scope="col" class="wide">
            Last minute
          </th>
          <th scope="col" class="number">
            Rate
          </th>
          <th scope="col" class="number">
            RTT
          </th>
          <th scope="col" class="number">
            Jitter
          </th>
          <th scope="col" class="number">
            Loss
          </th>
          <th scope="col" class="number">
            Heard
          </th>
        </tr>
      </thead>
      <tbody>
        {links.map((link) => (
          <Lane key={link.slot} link={link} values={trail.links.get(link.slot) ?? []} most={most} />
        ))}
      </tbody>
    </table>
  );
};
