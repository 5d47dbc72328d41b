import { TributaryError } from '../shared/errors.ts';
import { isoDate } from '../stats/asn.ts';
import { type AsnDatabase, openAsnDatabase } from '../stats/asn-database.ts';
import { asnFiles, asnFolder, asnSearchPath } from '../stats/asn-files.ts';
import { type AsnSource, asnSources, sourceOfUrl } from '../stats/asn-sources.ts';
import { updateAsnDatabase } from '../stats/asn-update.ts';
import { fileArguments } from './arguments.ts';
import { settingsOrProblems } from './relay.ts';

const HELP = `Usage: ./tributary asn update [URL] [--SETTING VALUE …]
       ./tributary asn status [--SETTING VALUE …]

Databases that tell which carrier a link comes through (MaxMind DB files). They are looked for in DATA_DIR/asn, then in /usr/share/GeoIP;
a running node takes a new file by itself.

update  Fetches what the settings name into DATA_DIR/asn, and replaces what is there once the new file is whole:
          TRIBUTARY_ASN_IPINFO_TOKEN          IPinfo Lite
          TRIBUTARY_ASN_MAXMIND_KEY           GeoLite2, with TRIBUTARY_ASN_MAXMIND_ACCOUNT;
          TRIBUTARY_ASN_MAXMIND_EDITIONS      which ones (GeoLite2-ASN)
          TRIBUTARY_ASN_URL, or URL           any other, such as DB-IP's: .mmdb, .mmdb.gz or .tar.gz
status  Says which files there are, and what they are good for.
`;

type Settings = NonNullable<ReturnType<typeof settingsOrProblems>>;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const complain = (error: unknown): void => {
  if (!(error instanceof TributaryError)) throw error;
  process.stderr.write(`tributary asn: ${error.line}\n`);
};

const tellsOf = ({ carriers, cities, countries }: AsnDatabase): string =>
  [...(carriers ? ['carriers'] : []), ...(cities ? ['cities'] : countries ? ['countries'] : [])].join(' and ');

const describe = (database: AsnDatabase): string =>
  `${database.path}: ${database.type} of ${isoDate(database.builtMs)}, tells ${tellsOf(database)}`;

const update = async (sources: readonly AsnSource[], folder: string): Promise<number> => {
  if (sources.length === 0)
    throw new TributaryError(
      'TRIBUTARY_ASN_SOURCE_MISSING',
      'there is nothing to fetch',
      'set TRIBUTARY_ASN_IPINFO_TOKEN, TRIBUTARY_ASN_MAXMIND_KEY or TRIBUTARY_ASN_URL, or give a URL',
    );
  let failed = 0;
  for (const source of sources) {
    try {
      const database = await updateAsnDatabase(folder, source);
      say(`Fetched ${describe(database)}.`);
      say(database.attribution);
    } catch (error) {
      complain(error);
      failed++;
    }
  }
  return failed === 0 ? 0 : 1;
};

const status = async (dataDir: string): Promise<number> => {
  const files = await asnFiles(asnSearchPath(dataDir));
  if (files.length === 0) {
    say(`There is no database in ${asnFolder(dataDir)} or /usr/share/GeoIP: carriers of links are not known.`);
    return 1;
  }
  let usable = 0;
  for (const { path } of files) {
    try {
      const database = await openAsnDatabase(path);
      say(`${describe(database)}. ${database.attribution}`);
      usable++;
    } catch (error) {
      complain(error);
    }
  }
  return usable > 0 ? 0 : 1;
};

const sourcesOf = (url: string | undefined, { asn }: Settings): AsnSource[] => {
  if (url === undefined) return asnSources(asn);
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return [sourceOfUrl(url)];
  throw new TributaryError(
    'TRIBUTARY_BAD_ARGUMENT',
    `${JSON.stringify(url)} is no URL`,
    'give one that begins with https:// or http://',
  );
};

/**
 * `./tributary asn update`, `./tributary asn status`.
 * @returns the exit code: 0 done, 1 something is not as it should be, 2 wrong arguments
 */
export const runAsn = async ([command, ...argv]: readonly string[]): Promise<number> => {
  const isHelp = command === undefined || command === '--help' || argv.includes('--help');
  if (isHelp || (command !== 'update' && command !== 'status')) {
    (command === undefined || !isHelp ? process.stderr : process.stdout).write(HELP);
    return command === undefined || !isHelp ? 2 : 0;
  }
  const { file: url, rest } = fileArguments(argv, []);
  if (command === 'status' && url !== undefined)
    throw new TributaryError('TRIBUTARY_BAD_ARGUMENT', `status takes no ${JSON.stringify(url)}`, 'leave it out');
  const settings = settingsOrProblems(rest);
  if (!settings) return 2;
  return command === 'status'
    ? status(settings.dataDir)
    : update(sourcesOf(url, settings), asnFolder(settings.dataDir));
};
