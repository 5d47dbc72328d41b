import type { ImpairmentReport } from '../sender/impaired-bond.ts';
import type { SenderEvent } from '../sender/sender-types.ts';
import type { SenderLinkStatus, SenderStatus } from '../sender/udp-shell.ts';

/** What the sender tells the person, or the program, that started it. */
export interface SendReport {
  listening(host: string, port: number): void;
  event(event: SenderEvent, address: string | undefined): void;
  notice(text: string): void;
  status(status: SenderStatus): void;
  /** Once, at the end of a sender whose links were impaired. */
  impairment(report: ImpairmentReport): void;
  end(): void;
}

const eventText = (event: SenderEvent, address: string | undefined): string => {
  switch (event.type) {
    case 'group-registered':
      return 'registered at the receiver';
    case 'link-up':
      return `link ${address} up`;
    case 'link-down':
      return `link ${address} down (${event.why})`;
    case 'registration-refused':
      return `link ${address}: the receiver refuses it (it may be full)`;
    case 'encoder-shutdown':
      return 'the encoder has closed its connection';
  }
};

const linkText = (link: SenderLinkStatus): string => {
  if (link.blocked) return `${link.address} blocked`;
  if (link.state === 'up') return `${link.address} ${(link.bitrateKbps / 1000).toFixed(2)}`;
  return `${link.address} ${link.socketError ?? link.state}`;
};

/** One line for a terminal: links up, total rate, each link's share in Mbit/s. */
export const statusText = (status: SenderStatus): string => {
  const totalKbps = status.links.reduce((sum, link) => sum + link.bitrateKbps, 0);
  const links = status.links.map(linkText).join(' | ');
  const dropped = status.droppedPackets > 0 ? `, ${status.droppedPackets} dropped without a link` : '';
  return `${status.linksUp}/${status.links.length} links up, ${(totalKbps / 1000).toFixed(2)} Mbit/s (${links})${dropped}`;
};

/** What the impaired links lost, and what was sent again for it. */
export const impairmentLine = ({ bond, lateness }: ImpairmentReport): string => {
  const { firstCopies, retransmissions, ratio } = bond;
  const times = bond.losses.flatMap(({ nakMs }) => (nakMs === undefined ? [] : [nakMs])).sort((a, b) => a - b);
  return [
    `impaired: ${firstCopies.lost} of ${firstCopies.sent} packets lost`,
    `${retransmissions.sent} sent again (${retransmissions.lost} of them lost)`,
    ...(ratio === undefined ? [] : [`${ratio.toFixed(2)} for each one lost`]),
    ...(times.length === 0 ? [] : [`NAK after ${times[times.length >> 1]!.toFixed(0)} ms (median)`]),
    `emulator late by ${lateness.p99Ms} ms (p99)`,
  ].join(', ');
};

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const CLEAR_LINE = '\r\u001b[2K';

/** Plain lines; the status overwrites itself on a terminal and is left out elsewhere. */
export const textReport = (out: Terminal): SendReport => {
  const tty = out.isTTY === true;
  const line = (text: string): void => {
    out.write(`${tty ? CLEAR_LINE : ''}${text}\n`);
  };
  return {
    listening: (host, port) => line(`SRT encoder input: srt://${host}:${port}?mode=caller`),
    event: (event, address) => line(eventText(event, address)),
    notice: line,
    status: (status) => {
      if (tty) out.write(`${CLEAR_LINE}${statusText(status).slice(0, (out.columns ?? 120) - 1)}`);
    },
    impairment: (report) => line(impairmentLine(report)),
    end: () => {
      if (tty) out.write(CLEAR_LINE);
    },
  };
};

const nothing = (): void => {};
export const quietReport: SendReport = {
  listening: nothing,
  event: nothing,
  notice: nothing,
  status: nothing,
  impairment: nothing,
  end: nothing,
};

/** One object a line, each with a `type`: `listening`, `event`, `notice`, `status`, `impairment`. */
export const jsonReport = (out: Terminal): SendReport => {
  const line = (value: object): void => {
    out.write(`${JSON.stringify(value)}\n`);
  };
  return {
    listening: (host, port) => line({ type: 'listening', host, port }),
    event: (event, address) => {
      const { type, ...fields } = event;
      line({ type: 'event', event: type, ...fields, ...(address === undefined ? {} : { address }) });
    },
    notice: (text) => line({ type: 'notice', text }),
    status: (status) => line({ type: 'status', ...status }),
    impairment: (report) => line({ type: 'impairment', ...report }),
    end: () => {},
  };
};
