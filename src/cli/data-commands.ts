import { lockDataDir } from '../shared/data-dir-lock.ts';
import { prepareDataDir } from '../shared/data-file.ts';
import { fileArguments, neededFile } from './arguments.ts';
import { backupDataFolder, restoreDataFolder } from './backup-file.ts';
import { settingsOrProblems } from './relay.ts';
import { exportSls } from './sls-export.ts';
import { importLines, importSls } from './sls-import.ts';

const SETTINGS = '[--data-dir FOLDER] [--SETTING VALUE …]';

const HELP = {
  import: `Usage: ./tributary import-sls STREAMS.DB ${SETTINGS}

Adds the stream ids and active API keys of SLS to the data folder. The database is copied with its write-ahead log, and only the copy is
opened. Stop SLS and the node first. A first start over a data folder with a streams.db does the same by itself.
`,
  export: `Usage: ./tributary export-sls FILE [--force] ${SETTINGS}

Writes stream ids and API keys as a database of SLS (mode 0600): the way back. --force replaces a file.
`,
  backup: `Usage: ./tributary backup FILE [--force] ${SETTINGS}

Writes stream ids, API keys and the salt of public names into one file (mode 0600); the node may be running. --force replaces a file.
`,
  restore: `Usage: ./tributary restore FILE [--force] ${SETTINGS}

Puts stream ids and API keys of a backup in their place; stop the node first. --force replaces what is there, and keeps it as
before-restore.backup.
`,
};

const say = (lines: readonly string[]): number => {
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
};

/** The exit code of a command on a file and the data folder. */
const command =
  (
    help: string,
    what: string,
    flags: readonly string[],
    run: (
      path: string,
      force: boolean,
      settings: NonNullable<ReturnType<typeof settingsOrProblems>>,
    ) => Promise<number>,
  ) =>
  async (argv: readonly string[]): Promise<number> => {
    if (argv.includes('--help')) {
      process.stdout.write(help);
      return 0;
    }
    const asked = fileArguments(argv, flags);
    const path = neededFile(asked.file, what);
    const settings = settingsOrProblems(asked.rest);
    return settings ? run(path, asked.flags.has('force'), settings) : 2;
  };

/** `./tributary import-sls`. Exit code 1 where something could not be taken over. */
export const runImportSls = command(HELP.import, 'database of SLS', [], async (path, _force, { dataDir }) => {
  await prepareDataDir(dataDir);
  const lock = await lockDataDir(dataDir);
  try {
    const counts = await importSls(path, dataDir);
    say(importLines(path, counts));
    return counts.conflicts + counts.unusable.length > 0 ? 1 : 0;
  } finally {
    lock.release();
  }
});

/** `./tributary export-sls`. */
export const runExportSls = command(HELP.export, 'file to write', ['force'], async (path, force, { dataDir, api }) => {
  const { streamIds, keys, expired, simplified } = await exportSls(dataDir, api.key, path, force);
  return say([
    `Wrote ${streamIds} stream ids and ${keys} API keys to ${path}.`,
    ...(simplified > 0 ? [`${simplified} of them lose a passphrase, limit or expiry: SLS has none.`] : []),
    ...(expired > 0 ? [`${expired} expired stream ids were left out.`] : []),
  ]);
});

/** `./tributary backup`. */
export const runBackup = command(HELP.backup, 'file to write', ['force'], async (path, force, { dataDir }) =>
  say([`Wrote ${(await backupDataFolder(dataDir, path, force)).join(' and ')} to ${path}.`]),
);

/** `./tributary restore`. */
export const runRestore = command(HELP.restore, 'backup', ['force'], async (path, force, { dataDir }) =>
  say([`Restored ${(await restoreDataFolder(path, dataDir, force)).join(' and ')} in ${dataDir}.`]),
);
