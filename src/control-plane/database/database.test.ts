import { describe, expect, it, vi } from 'vitest';
import { onEachDatabase } from '../../../test/support/databases.ts';
import { migrate, type Schema } from './migrate.ts';

const ITEMS = 'CREATE TABLE items (name TEXT PRIMARY KEY, size BIGINT, ratio DOUBLE PRECISION, note TEXT)';

describe('a database', () =>
  onEachDatabase((make) => {
    const withItems = async () => {
      const db = await make().open();
      await db.run(ITEMS);
      return db;
    };

    it('gives back what it was given: texts, whole numbers up to 2^53, fractions, nothing', async () => {
      const db = await withItems();
      const size = Number.MAX_SAFE_INTEGER;
      expect(await db.run('INSERT INTO items VALUES (?, ?, ?, ?)', ["a'b", size, 0.25, null])).toBe(1);
      expect({ ...(await db.first('SELECT * FROM items')) }).toEqual({ name: "a'b", size, ratio: 0.25, note: null });
      expect({ ...(await db.first('SELECT COUNT(*) AS n, SUM(size) AS sum FROM items')) }).toEqual({ n: 1, sum: size });
    });

    it('says how many rows were written, and returns them', async () => {
      const db = await withItems();
      for (const name of ['a', 'b', 'c']) await db.run('INSERT INTO items (name, size) VALUES (?, ?)', [name, 1]);
      expect(await db.run('UPDATE items SET size = size + ? WHERE name <> ?', [2, 'c'])).toBe(2);
      const rows = await db.all<{ name: string }>('DELETE FROM items WHERE size = ? RETURNING name', [3]);
      expect(rows.map(({ name }) => name).sort()).toEqual(['a', 'b']);
      expect(await db.first('SELECT name FROM items WHERE name = ?', ['a'])).toBeUndefined();
    });

    it('does all of a transaction or nothing', async () => {
      const db = await withItems();
      const failing = db.transaction(async (tx) => {
        await tx.run('INSERT INTO items (name) VALUES (?)', ['gone']);
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      await expect(
        db.transaction(async (tx) => {
          await tx.run('INSERT INTO items (name) VALUES (?)', ['twice']);
          await tx.run('INSERT INTO items (name) VALUES (?)', ['twice']);
        }),
      ).rejects.toThrow();
      expect(await db.all('SELECT * FROM items')).toEqual([]);
      expect(await db.transaction(async (tx) => tx.run('INSERT INTO items (name) VALUES (?)', ['stays']))).toBe(1);
      expect(await db.all('SELECT name FROM items')).toHaveLength(1);
    });

    it('lets what is under one lock happen one after the other, from whatever process', async () => {
      const database = make();
      const processes = await Promise.all([database.open(), database.open()]);
      await processes[0]!.run(ITEMS);
      await processes[0]!.run('INSERT INTO items (name, size) VALUES (?, ?)', ['count', 0]);
      const one = (index: number) =>
        processes[index % 2]!.transaction(async (tx) => {
          await tx.lock('count');
          const { size } = (await tx.first<{ size: number }>('SELECT size FROM items'))!;
          await tx.run('UPDATE items SET size = ?', [size + 1]);
        });
      await Promise.all(Array.from({ length: 40 }, (_, index) => one(index)));
      expect({ ...(await processes[1]!.first('SELECT size FROM items')) }).toEqual({ size: 40 });
    });

    it('tells every process what one of them publishes, once', async () => {
      const database = make();
      const [a, b] = await Promise.all([database.open(), database.open()]);
      const heard: string[] = [];
      a!.subscribe((message) => heard.push(`a ${message}`));
      const end = b!.subscribe((message) => heard.push(`b ${message}`));
      await vi.waitFor(() => {
        b!.publish('ready?');
        expect(heard).toContain('a ready?');
      });
      heard.length = 0;
      a!.publish('desired kc1');
      expect(heard[0]).toBe('a desired kc1');
      await vi.waitFor(() => expect(heard).toContain('b desired kc1'));
      end();
      a!.publish('x');
      expect(heard.filter((message) => message === 'b x')).toEqual([]);
    });
  }));

describe('migrations', () =>
  onEachDatabase((make) => {
    const first: Schema = { part: 'things', versions: [[ITEMS]] };
    const second: Schema = { part: 'things', versions: [[ITEMS], ['ALTER TABLE items ADD COLUMN colour TEXT']] };

    it('bring an empty database and an older one to the same tables, and may run again', async () => {
      const [fresh, old] = [await make().open(), await make().open()];
      await migrate(fresh, [second], 1);
      await migrate(old, [first], 1);
      await old.run('INSERT INTO items (name, size) VALUES (?, ?)', ['kept', 5]);
      for (let times = 0; times < 2; times++) await migrate(old, [second], 2);
      await fresh.run('INSERT INTO items (name, colour) VALUES (?, ?)', ['new', 'red']);
      expect({ ...(await old.first('SELECT name, size, colour FROM items')) }).toEqual({
        name: 'kept',
        size: 5,
        colour: null,
      });
    });

    it('of several processes at once one does them', async () => {
      const database = make();
      const processes = await Promise.all([database.open(), database.open(), database.open()]);
      await Promise.all(processes.map((db) => migrate(db, [second], 1)));
      expect(await processes[0]!.all('SELECT part, version FROM schema_versions')).toHaveLength(1);
    });

    it('refuse a database of a newer Tributary and leave it alone', async () => {
      const db = await make().open();
      await migrate(db, [second], 1);
      const other: Schema = { part: 'others', versions: [['CREATE TABLE others (name TEXT)']] };
      await expect(migrate(db, [other, first], 2)).rejects.toMatchObject({ code: 'TRIBUTARY_DATABASE_NEWER' });
      await expect(db.all('SELECT * FROM others')).rejects.toThrow();
    });

    it('undo a version of which one statement fails', async () => {
      const db = await make().open();
      const broken: Schema = { part: 'things', versions: [[ITEMS, 'CREATE TABLE items (again TEXT)']] };
      await expect(migrate(db, [broken], 1)).rejects.toThrow();
      await migrate(db, [first], 1);
      expect(await db.all('SELECT * FROM items')).toEqual([]);
    });
  }));
