import type { Millis } from '../../shared/clock.ts';
import type { Revocations } from '../accounts/revocations.ts';
import { randomToken } from '../accounts/secrets.ts';
import { ApiError, invalidRequest } from '../api-error.ts';
import type { Database, Queries, Transaction } from '../database/database.ts';
import type { Revocation, Slot, SlotChoice, Slots } from './slots.ts';
import { isStreamToken, newSlug, SLOT_IS_THERE } from './stream-token.ts';

/** Slots of one user; the plugin shows them in one list. */
export const MAX_SLOTS = 99;
export const MAX_LABEL_LENGTH = 64;

interface SlotRow {
  user_id: string;
  slot_number: number;
  label: string;
  stream_token: string;
  dns_slug: string;
  is_disabled: number;
}

const ofRow = (row: SlotRow): Slot => ({
  userId: row.user_id,
  slotNumber: row.slot_number,
  label: row.label,
  streamToken: row.stream_token,
  dnsSlug: row.dns_slug,
  isDisabled: row.is_disabled === 1,
});

/** The label without what would break a line or a table. @throws ApiError 400 */
export const checkedLabel = (label: string): string => {
  const text = label.replace(/\s+/g, ' ').trim();
  if (text === '' || [...text].length > MAX_LABEL_LENGTH || /\p{Cc}/u.test(text))
    throw invalidRequest(`label: 1 to ${MAX_LABEL_LENGTH} characters`);
  return text;
};

export interface SlotTableOptions {
  readonly db: Database;
  readonly revocations: Revocations;
  /** Unix ms. */
  readonly unixNow: () => Millis;
  readonly drawSlug?: () => string;
}

/** The table of stream slots. */
export class SlotTable implements Slots {
  readonly #db: Database;
  readonly #revocations: Revocations;
  readonly #unixNow: () => Millis;
  readonly #drawSlug: () => string;

  constructor({ db, revocations, unixNow, drawSlug = newSlug }: SlotTableOptions) {
    this.#db = db;
    this.#revocations = revocations;
    this.#unixNow = unixNow;
    this.#drawSlug = drawSlug;
  }

  async forUser(userId: string, queries: Queries = this.#db): Promise<readonly Slot[]> {
    const rows = await queries.all<SlotRow>('SELECT * FROM user_stream_slots WHERE user_id = ? ORDER BY slot_number', [
      userId,
    ]);
    return rows.map(ofRow);
  }

  /** Every slot there is, by user and number. */
  async all(): Promise<readonly Slot[]> {
    return (await this.#db.all<SlotRow>('SELECT * FROM user_stream_slots ORDER BY user_id, slot_number')).map(ofRow);
  }

  async get(userId: string, slotNumber: number, queries: Queries = this.#db): Promise<Slot | undefined> {
    const row = await queries.first<SlotRow>('SELECT * FROM user_stream_slots WHERE user_id = ? AND slot_number = ?', [
      userId,
      slotNumber,
    ]);
    return row && ofRow(row);
  }

  async byToken(streamToken: string): Promise<Slot | undefined> {
    if (!isStreamToken(streamToken)) return undefined;
    const row = await this.#db.first<SlotRow>('SELECT * FROM user_stream_slots WHERE stream_token = ?', [streamToken]);
    return row && ofRow(row);
  }

  async bySlug(dnsSlug: string): Promise<Slot | undefined> {
    const row = await this.#db.first<SlotRow>('SELECT * FROM user_stream_slots WHERE dns_slug = ?', [dnsSlug]);
    return row && ofRow(row);
  }

  async toStart(userId: string, streamToken: string | undefined, taken: readonly number[] = []): Promise<SlotChoice> {
    if (streamToken !== undefined) {
      const slot = await this.byToken(streamToken);
      if (slot?.userId !== userId) return { refused: 'unknown' };
      return slot.isDisabled ? { refused: 'disabled' } : { slot };
    }
    const enabled = (await this.forUser(userId)).filter(({ isDisabled }) => !isDisabled);
    const slot = enabled.find(({ slotNumber }) => !taken.includes(slotNumber));
    return slot ? { slot } : { refused: 'none' };
  }

  /** @throws ApiError 400 for a label or token of a wrong form, 409 for a token that is taken or too many slots */
  create(userId: string, label?: string, streamToken?: string): Promise<Slot> {
    return this.#db.transaction((tx) => this.createIn(tx, userId, label, streamToken));
  }

  /** As `create`, in a transaction that is under way. */
  async createIn(tx: Transaction, userId: string, label?: string, streamToken?: string): Promise<Slot> {
    if (streamToken !== undefined && !isStreamToken(streamToken))
      throw invalidRequest('stream_token: 26 characters of base32 or 8 hex digits; a host name is no token');
    const text = label === undefined ? undefined : checkedLabel(label);
    await tx.lock(`slots:${userId}`);
    const slots = await this.forUser(userId, tx);
    // Before the limit: whoever has it already wants to know that.
    if (streamToken !== undefined && slots.some((slot) => slot.streamToken === streamToken))
      throw new ApiError(409, 'conflict', SLOT_IS_THERE);
    const used = new Set(slots.map(({ slotNumber }) => slotNumber));
    if (used.size >= MAX_SLOTS) throw new ApiError(409, 'conflict', `a user has at most ${MAX_SLOTS} slots`);
    let slotNumber = 1;
    while (used.has(slotNumber)) slotNumber++;
    // A collision of 128 or 41 random bits is drawn again; one of a token that was given is somebody else's.
    for (;;) {
      const token = streamToken ?? randomToken();
      const row = await tx.first<SlotRow>(
        `INSERT INTO user_stream_slots (user_id, slot_number, label, stream_token, dns_slug, is_disabled, created_ms)
         VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING RETURNING *`,
        [userId, slotNumber, text ?? `Slot ${slotNumber}`, token, this.#drawSlug(), this.#unixNow()],
      );
      if (row) return ofRow(row);
      const holder = await tx.first<{ user_id: string }>(
        'SELECT user_id FROM user_stream_slots WHERE stream_token = ?',
        [token],
      );
      if (holder && streamToken !== undefined)
        throw new ApiError(409, 'conflict', 'stream_token: a slot of another user has it already');
    }
  }

  /** @throws ApiError 400 */
  async rename(userId: string, slotNumber: number, label: string): Promise<Slot | undefined> {
    const row = await this.#db.first<SlotRow>(
      'UPDATE user_stream_slots SET label = ? WHERE user_id = ? AND slot_number = ? RETURNING *',
      [checkedLabel(label), userId, slotNumber],
    );
    return row && ofRow(row);
  }

  regenerate(userId: string, slotNumber: number): Promise<Slot | undefined> {
    return this.#cutting('token_regenerated', userId, slotNumber, async (tx) => {
      const row = await tx.first<SlotRow>(
        'UPDATE user_stream_slots SET stream_token = ? WHERE user_id = ? AND slot_number = ? RETURNING *',
        [randomToken(), userId, slotNumber],
      );
      return row && ofRow(row);
    });
  }

  async setDisabled(userId: string, slotNumber: number, isDisabled: boolean): Promise<Slot | undefined> {
    const change = async (queries: Queries): Promise<Slot | undefined> => {
      const row = await queries.first<SlotRow>(
        'UPDATE user_stream_slots SET is_disabled = ? WHERE user_id = ? AND slot_number = ? RETURNING *',
        [isDisabled ? 1 : 0, userId, slotNumber],
      );
      return row && ofRow(row);
    };
    return isDisabled ? this.#cutting('slot_disabled', userId, slotNumber, change) : change(this.#db);
  }

  async remove(userId: string, slotNumber: number): Promise<boolean> {
    const gone = await this.#cutting('slot_removed', userId, slotNumber, async (tx, before) => {
      await tx.run('DELETE FROM user_stream_slots WHERE user_id = ? AND slot_number = ?', [userId, slotNumber]);
      return before;
    });
    return gone !== undefined;
  }

  /** A change of a slot that ends whatever uses its present token. */
  async #cutting(
    reason: Revocation['reason'],
    userId: string,
    slotNumber: number,
    change: (tx: Transaction, before: Slot) => Promise<Slot | undefined>,
  ): Promise<Slot | undefined> {
    const done = await this.#db.transaction(async (tx) => {
      await tx.lock(`slots:${userId}`);
      const before = await this.get(userId, slotNumber, tx);
      if (!before) return undefined;
      const after = await change(tx, before);
      const due = await this.#revocations.note({ streamTokens: [before.streamToken], reason }, this.#unixNow(), tx);
      return { after, due };
    });
    await this.#revocations.carryOut(done?.due);
    return done?.after;
  }
}
