import { publicStreamName } from '../shared/redact.ts';
import type { GroupSnapshot, LinkSnapshot } from '../srtla/types.ts';
import type { Labels } from './metrics-definition.ts';
import { linkName } from './peers.ts';

/**
 * The labels of streams and links, the same object as long as they are shown: hashing a name anew for each scrape would cost more than all the
 * rest of it.
 */
export class LabelBook {
  #streams = new Map<string, Labels>();
  #links = new Map<string, Labels>();
  #shownStreams = new Map<string, Labels>();
  #shownLinks = new Map<string, Labels>();

  /** Before the first of a scrape. What was not asked for since the last time is forgotten. */
  begin(): void {
    [this.#streams, this.#shownStreams] = [this.#shownStreams, new Map()];
    [this.#links, this.#shownLinks] = [this.#shownLinks, new Map()];
  }

  stream(publisherId: string): Labels {
    const labels = this.#streams.get(publisherId) ?? { stream: publicStreamName(publisherId) };
    this.#shownStreams.set(publisherId, labels);
    return labels;
  }

  /** Of a link that no other one of its group is named like. */
  link(stream: string, { id }: GroupSnapshot, link: LinkSnapshot, taken: Set<string>): Labels {
    const { address, port, telemetry } = link;
    const key = `${id} ${address} ${port} ${telemetry?.connectionId ?? 0}`;
    const known = this.#links.get(key);
    const labels = known !== undefined && !taken.has(known.link!) ? known : named(stream, linkName(id, link), taken);
    taken.add(labels.link!);
    this.#shownLinks.set(key, labels);
    return labels;
  }
}

/** Links that are named alike, as a sender may have it, are told apart. */
const named = (stream: string, plain: string, taken: ReadonlySet<string>): Labels => {
  let link = plain;
  for (let n = 2; taken.has(link); n++) link = `${plain}-${n}`;
  return { stream, link };
};
