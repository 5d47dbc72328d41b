import type { Profile } from '../../src/sender/profile.ts';
import type { EncoderOptions, EncoderOutput, SimEncoder } from './encoder.ts';
import { LibsrtEncoder } from './libsrt-encoder.ts';

/** The encoder that usually stands in front of a sender of this profile. */
export const createEncoder = (_profile: Profile, options: EncoderOptions, out: EncoderOutput): SimEncoder =>
  new LibsrtEncoder(options, out);
