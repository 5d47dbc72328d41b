import { type LinkConditions, PERFECT_LINK } from './link-conditions.ts';
import type { LinkScenario } from './scenarios.ts';

const percent = (share: number): string => `${Number((share * 100).toPrecision(6))}%`;

const itemsOf = (conditions: LinkConditions): string[] => {
  const { delayMs, jitterMs, lossRate, burst, duplicateRate, reorderRate, reorderMinMs, reorderMaxMs } = conditions;
  const { rateKbps, queueBytes, queueMs, blackout } = conditions;
  return [
    ...(delayMs > 0 || jitterMs > 0 ? [`delay=${delayMs}${jitterMs > 0 ? `±${jitterMs}` : ''}ms`] : []),
    ...(lossRate > 0 ? [`loss=${percent(lossRate)}`] : []),
    ...(burst === undefined
      ? []
      : [`burst=${percent(burst.enterRate)}/${percent(burst.leaveRate)}/${percent(burst.lossRate)}`]),
    ...(duplicateRate > 0 ? [`dup=${percent(duplicateRate)}`] : []),
    ...(reorderRate > 0 ? [`reorder=${percent(reorderRate)}:${reorderMinMs}-${reorderMaxMs}ms`] : []),
    ...(rateKbps > 0 ? [`rate=${rateKbps}k`] : []),
    ...(queueMs > 0 ? [`queue=${queueMs}ms`] : []),
    ...(queueMs === 0 && queueBytes !== PERFECT_LINK.queueBytes ? [`queue=${queueBytes / 1024}K`] : []),
    ...(blackout === undefined ? [] : [`blackout=${blackout.forMs}ms/${blackout.everyMs}ms`]),
  ];
};

/**
 * A link's conditions as a SPEC that `parseImpairment` reads. Where blackouts begin, and a queue that is limited both ways, have no words:
 * they are left to the defaults, and to the time.
 */
export const impairmentText = ({ back, ...forth }: LinkScenario): string => {
  const up = itemsOf({ ...PERFECT_LINK, ...forth });
  const down = itemsOf({ ...PERFECT_LINK, ...forth, ...back });
  const shared = up.filter((item) => down.includes(item));
  const only = (direction: string, items: readonly string[]): string[] =>
    items.filter((item) => !shared.includes(item)).map((item) => `${direction}.${item}`);
  const all = [...shared, ...only('up', up), ...only('down', down)];
  return all.length === 0 ? 'none' : all.join(',');
};
