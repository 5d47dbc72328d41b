import { commonNow } from '../../src/data-plane/common-clock.ts';
import { directEngine } from '../../src/srt-engine/create.ts';
import { peerEngines } from '../native/peer.ts';

const factory = directEngine({ latencyMode: 'additive', bondLossReports: 'own', clock: commonNow });

/** Imported first, this has the peers of a test file listen with our own engine; they call with libsrt. */
Object.assign(peerEngines, { kind: 'direct', create: factory.create, factory: () => factory });
