import { BOND_SCENARIOS } from '../../src/sender/impair/scenarios.ts';
import { PROFILES } from '../../src/sender/profile.ts';
import { Simulation } from './simulation.ts';
const [name, profile, seedText, minutes] = process.argv.slice(2);
const isR = (b: Uint8Array) => b[0]! < 0x80 && b.length > 16 && (b[4]! & 4) !== 0;
const seqOf = (b: Uint8Array) => ((b[0]! << 24) | (b[1]! << 16) | (b[2]! << 8) | b[3]!) & 0x7fffffff;
const nakHas = (b: Uint8Array, s: number) => {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  for (let i = 16; i + 4 <= b.length; i += 4) {
    const w = v.getUint32(i);
    if (w >= 0x80000000) { const lo = w & 0x7fffffff; const hi = v.getUint32(i + 4); if (s >= lo && s <= hi) return true; i += 4; }
    else if (w === s) return true;
  }
  return false;
};
const make = () => new Simulation({ scenario: BOND_SCENARIOS.get(name!)!, profile: PROFILES.get(profile!)!, seed: Number(seedText), minutes: Number(minutes), detection: 'exact', coalesceMs: 2 });
// pass 1: which first sequence was not played
const first = make();
let lost: number[] = [];
{
  const played = new Set<number>();
  const l = first.ledgers;
  const m = first.run();
  const led: any = l[0];
  console.log(Object.keys(m).slice(0, 5), (m as any).lost);
  const isn = led.isn;
  for (let i = 0; i < led.sent; i++) if (!led.hasPlayed(i)) lost.push((isn + i) & 0x7fffffff);
}
console.log('lost', lost.slice(0, 10));
const s = lost[Number(process.argv[6] ?? 0)]!;
const sim = make();
const t = () => (sim.elapsedMs).toFixed(1);
const node: any = sim.node;
const stl = node.sendToLink.bind(node);
node.sendToLink = (p: number, b: Uint8Array) => { if (b[0] === 0x80 && b[1] === 3 && nakHas(b, s)) console.log(t(), 'NAK to link', sim.links.findIndex((x) => x.peer === p)); stl(p, b); };
const rc = node.receive.bind(node);
node.receive = (b: Uint8Array, p: number, at: number) => { if (b[0]! < 0x80 && b.length > 16 && seqOf(b) === s) console.log(t(), 'arrives', isR(b) ? 'R' : 'first', 'link', sim.links.findIndex((x) => x.peer === p)); rc(b, p, at); };
const enc: any = sim.encoder;
const er = enc.receive.bind(enc);
enc.receive = (b: Uint8Array, now: number) => { if (b[0] === 0x80 && b[1] === 3 && nakHas(b, s)) console.log(t(), 'encoder gets NAK'); er(b, now); };
const sc: any = sim.sender;
const fe = sc.fromEncoder.bind(sc);
sc.fromEncoder = (b: Uint8Array, now: number, out: any) => { if (b[0]! < 0x80 && b.length > 16 && seqOf(b) === s) console.log(t(), 'encoder sends', isR(b) ? 'R' : 'first'); fe(b, now, out); };
sim.run();
