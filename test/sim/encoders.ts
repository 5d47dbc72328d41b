import type { Profile } from '../../src/sender/profile.ts';
import type { EncoderOptions, EncoderOutput, SimEncoder } from './encoder.ts';
import { LibsrtEncoder } from './libsrt-encoder.ts';
import { MoblinEncoder } from './moblin-encoder.ts';

/** The encoder that stands in front of a sender of this profile: Moblin has its own, libsrt's the others. */
export const createEncoder = (profile: Profile, options: EncoderOptions, out: EncoderOutput): SimEncoder =>
  profile.name === 'moblin' ? new MoblinEncoder(options, out) : new LibsrtEncoder(options, out);
