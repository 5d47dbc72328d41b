import { describe, expect, it } from 'vitest';
import { askedRegion, regionLabel } from './regions.ts';

const SUPPORTED = ['us-central', 'us-east', 'us-west', 'eu-west', 'ap-southeast'];

describe('the region that a client asks for', () => {
  it.each([
    ['us-east', 'us-east'],
    [' US_East ', 'us-east'],
    ['us-east-1', 'us-east'],
    ['us-east-1a', 'us-east'],
    ['us-east-2', 'us-central'],
    ['eu-west-3', 'eu-west'],
    ['eu-central-1', 'eu-west'],
    ['ap-southeast-2', 'ap-southeast'],
    ['auto', 'auto'],
    ['AUTO', 'auto'],
    ['', 'us-central'],
    ['   ', 'us-central'],
    ['mars-north', 'us-central'],
    ['mars', 'us-central'],
    ['us', 'us-central'],
  ])('%j → %s', (text, region) => {
    expect(askedRegion(text, SUPPORTED)).toBe(region);
  });
  it('takes what the operator supports before any alias', () => {
    expect(askedRegion('us-east-2', [...SUPPORTED, 'us-east-2'])).toBe('us-east-2');
    expect(askedRegion('ap-southeast-2', [...SUPPORTED, 'au-east'])).toBe('au-east');
  });
  it('has a label, its own name where nothing better is known', () => {
    expect(regionLabel('us-east')).toBe('US East');
    expect(regionLabel('home')).toBe('home');
  });
});
