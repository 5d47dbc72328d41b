import { TributaryError } from '../../shared/errors.ts';
import type { Database } from './database.ts';

/** The tables of one part of the control plane. Each part counts its versions by itself, so that two parts may grow at once. */
export interface Schema {
  /** Never changes: `relays`, `accounts`. */
  readonly part: string;
  /** One list of statements for each version, from 1. What has been released is never edited: a change is a new version. */
  readonly versions: readonly (readonly string[])[];
}

const VERSIONS_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_versions (part TEXT PRIMARY KEY, version INTEGER NOT NULL, changed_ms BIGINT NOT NULL)';

/**
 * Brings the tables of every part to the newest version, in one transaction; of several processes one does it and the others wait.
 * @throws TributaryError TRIBUTARY_DATABASE_NEWER where a newer Tributary has been at it; nothing is changed then
 */
export const migrate = (db: Database, schemas: readonly Schema[], unixMs: number): Promise<void> =>
  db.transaction(
    async (tx) => {
      await tx.lock('migrations');
      await tx.run(VERSIONS_TABLE);
      for (const { part, versions } of schemas) {
        const row = await tx.first<{ version: number }>('SELECT version FROM schema_versions WHERE part = ?', [part]);
        const version = row?.version ?? 0;
        if (version > versions.length)
          throw new TributaryError(
            'TRIBUTARY_DATABASE_NEWER',
            `the database is of a newer Tributary (${part}: version ${version}, this one knows ${versions.length})`,
            'run that version, or restore a backup from before the upgrade',
          );
        for (const statements of versions.slice(version)) for (const statement of statements) await tx.run(statement);
        if (version < versions.length)
          await tx.run(
            `INSERT INTO schema_versions (part, version, changed_ms) VALUES (?, ?, ?)
             ON CONFLICT (part) DO UPDATE SET version = excluded.version, changed_ms = excluded.changed_ms`,
            [part, versions.length, unixMs],
          );
      }
    },
    { repeatable: true },
  );
