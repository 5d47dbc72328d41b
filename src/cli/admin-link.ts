import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { adminLink } from '../control-plane/accounts/accounts.ts';
import { DATABASE_FILE, openDatabase } from '../control-plane/database/open.ts';
import { TributaryError } from '../shared/errors.ts';
import { settingsOrProblems } from './settings-arguments.ts';

const HELP = `Usage: ./tributary admin-link [--data-dir FOLDER] [--SETTING VALUE …]

Prints a link that makes one more administrator of the control plane, for when nobody can sign in any more. It works once, within seven days.
The control plane may be running. Whoever reads its database can do this; nobody else can.
`;

/** `./tributary admin-link`. @returns the exit code @throws TributaryError TRIBUTARY_DATABASE_UNUSABLE */
export const runAdminLink = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = settingsOrProblems(argv);
  if (!settings) return 2;
  const { databaseUrl } = settings.controlPlane;
  if (databaseUrl === undefined && !existsSync(join(settings.dataDir, DATABASE_FILE)))
    throw new TributaryError(
      'TRIBUTARY_DATABASE_UNUSABLE',
      `there is no database of a control plane in ${settings.dataDir}`,
      'set DATA_DIR, or DATABASE_URL, to that of the control plane',
    );
  const db = await openDatabase(settings.dataDir, databaseUrl);
  try {
    process.stdout.write(`${await adminLink(db, settings, Date.now)}\n`);
  } finally {
    await db.close();
  }
  return 0;
};
