// What a relay node has to know of its machine, as lines for a shell: node-facts.mjs FILE. Labels and addresses of the machine are known to
// the API server only; a pod has no other way to them.

import { readFileSync, writeFileSync } from 'node:fs';

const ACCOUNT = process.env.SERVICE_ACCOUNT_DIR ?? '/var/run/secrets/kubernetes.io/serviceaccount';

/** Label of a machine → setting of its node; the first label that is there counts. */
const LABELS = {
  REGION: ['tributary/region', 'topology.kubernetes.io/region'],
  PROVIDER: ['tributary/provider'],
  PUBLIC_IP: ['tributary/public-ip'],
  TRIBUTARY_CONTROL_MAX_SESSIONS: ['tributary/max-sessions'],
  TRIBUTARY_CONTROL_MONTHLY_CAP_GB: ['tributary/monthly-cap-gb'],
  TRIBUTARY_CONTROL_PORT_MBPS: ['tributary/port-mbps'],
};

const name = process.env.NODE_NAME;
const [file] = process.argv.slice(2);
if (!name || !file) throw new Error('NODE_NAME and a file are needed: node-facts.mjs FILE');

const host = process.env.KUBERNETES_SERVICE_HOST ?? 'kubernetes.default.svc';
const base =
  process.env.KUBERNETES_API ??
  `https://${host.includes(':') ? `[${host}]` : host}:${process.env.KUBERNETES_SERVICE_PORT ?? 443}`;
const answer = await fetch(`${base}/api/v1/nodes/${encodeURIComponent(name)}`, {
  headers: { authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8').trim()}` },
  signal: AbortSignal.timeout(10_000),
});
if (!answer.ok) throw new Error(`the API server answers ${answer.status} for the machine ${name}`);
const { metadata, status } = await answer.json();

const facts = {};
const external = (status?.addresses ?? []).filter(({ type }) => type === 'ExternalIP').map(({ address }) => address);
const [ipv4, ipv6] = [external.find((one) => !one.includes(':')), external.find((one) => one.includes(':'))];
// A machine with IPv6 alone has it as its only address.
if (ipv4 ?? ipv6) facts.PUBLIC_IP = ipv4 ?? ipv6;
if (ipv4 && ipv6) facts.PUBLIC_IP6 = ipv6;
for (const [setting, labels] of Object.entries(LABELS)) {
  const label = labels.find((one) => metadata?.labels?.[one]);
  if (label) facts[setting] = metadata.labels[label];
}
// Values of labels cannot hold a quote; addresses come from whoever set the machine up.
const lines = Object.entries(facts).map(([key, value]) => `${key}='${String(value).replaceAll("'", '')}'`);
writeFileSync(file, `${lines.join('\n')}\n`);
console.log(lines.join(' ') || 'nothing is known of the machine');
