import { TributaryError } from '../shared/errors.ts';
import { compareDebianVersions } from './debian-version.ts';

/** A stack overflow by any peer that completes a handshake, and a way to switch a session's encryption off. */
export const FIXES = ['CVE-2026-55869', 'CVE-2026-55868'] as const;

/** Upstream has fixed both in this version (its release notes, 20 July 2026). */
const FIXED_UPSTREAM = '1.5.6';

/**
 * Packages of an older libsrt with both fixes, by the upstream version that they are made of. Each is from the changelog in the package.
 */
const FIXED_PACKAGES: Readonly<Record<string, string>> = {
  // Debian 12, bookworm-security, 9 November 2026.
  '1.5.1': '1.5.1-1+deb12u2',
  // Debian 13, trixie-security, 15 August 2026.
  '1.5.4': '1.5.4-1+deb13u1',
};

/** The package that the loaded library comes from. */
export interface LibsrtPackage {
  readonly name: string;
  readonly version: string;
  /** Its changelog, as far as it is installed. */
  readonly changelog: string;
}

export interface LibsrtFacts {
  /** Of the loaded library, as it says itself: `1.5.1`. */
  readonly version: string;
  /** Undefined where no package manager knows the library. */
  readonly package: LibsrtPackage | undefined;
}

/** Whether the loaded library is known to have the fixes. A package's version counts, or that its changelog names both. */
export const hasFixes = ({ version, package: from }: LibsrtFacts): boolean => {
  if (compareDebianVersions(version, FIXED_UPSTREAM) >= 0) return true;
  if (!from) return false;
  const fixed = FIXED_PACKAGES[version];
  if (fixed !== undefined && compareDebianVersions(from.version, fixed) >= 0) return true;
  return FIXES.every((name) => from.changelog.includes(name));
};

/** `libsrt 1.5.1 (libsrt1.5-openssl 1.5.1-1+deb12u2)` */
export const libsrtName = ({ version, package: from }: LibsrtFacts): string =>
  `libsrt ${version}${from ? ` (${from.name} ${from.version})` : ''}`;

/** The error for a library that is not known to have the fixes. */
export const unfixedLibrary = (facts: LibsrtFacts): TributaryError => {
  const mend = facts.package
    ? `run \`apt-get update && apt-get install ${facts.package.name}\` with the security updates of the distribution`
    : `install libsrt ${FIXED_UPSTREAM} or newer`;
  return new TributaryError(
    'TRIBUTARY_LIBSRT_UNFIXED',
    `nothing says that ${libsrtName(facts)} has the fixes of ${FIXES.join(' and ')}`,
    `${mend}, or set srt.allowUnfixedLibrary (TRIBUTARY_SRT_ALLOW_UNFIXED_LIBRARY=true) where everybody who reaches the node is trusted`,
  );
};
