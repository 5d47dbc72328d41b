import { expect, it } from 'vitest';
import { type Logger, silentLogger } from '../shared/logger.ts';
import { TrafficWarning } from './traffic-warning.ts';

const watched = () => {
  const said: string[] = [];
  const say =
    (level: string): Logger['info'] =>
    (message, fields) =>
      void said.push(`${level} ${message.split(':')[0]} ${fields?.usedGb} of ${fields?.capGb}`);
  const logger: Logger = { ...silentLogger, info: say('info'), warn: say('warn'), error: say('error') };
  const warning = new TrafficWarning(logger);
  const used = (
    receivedGb: number,
    sentGb: number,
    capGb = 1_000,
    count: 'both' | 'out' | 'max' = 'both',
  ): string[] => {
    warning.look({ month: '2030-01', receivedBytes: receivedGb * 1e9, sentBytes: sentGb * 1e9 }, count, capGb);
    return said.splice(0);
  };
  return used;
};

it('warns once at 70 % and once at 95 %, and says when it is counted anew', () => {
  const used = watched();
  expect(used(300, 399)).toEqual([]);
  expect(used(300, 400)).toEqual(['warn 70 % of the traffic that the node may have is used 700 of 1000']);
  expect(used(400, 500)).toEqual([]);
  expect(used(450, 500)).toEqual(['error 95 % of the traffic that the node may have is used 950 of 1000']);
  expect(used(600, 600)).toEqual([]);
  expect(used(0, 1)).toEqual(['info the traffic of the node is counted anew 1 of 1000']);
});

it('counts as the provider does, and says nothing where there is no limit', () => {
  const used = watched();
  expect(used(900, 100, 1_000, 'out')).toEqual([]);
  expect(used(100, 700, 1_000, 'out')).toEqual(['warn 70 % of the traffic that the node may have is used 700 of 1000']);
  expect(used(9_000, 9_000, 0)).toEqual(['info the traffic of the node is counted anew 18000 of 0']);
  expect(used(99_000, 99_000, 0)).toEqual([]);
});
