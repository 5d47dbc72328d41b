import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { generationSchema, instanceSchema, planeIdSchema } from '../control-plane/protocol.ts';
import { readDataFile, writeDataFile } from '../shared/data-file.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';

export const CONTROL_FILE = 'control.json';
const VERSION = 1;

const bytes = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const contentSchema = z.object({
  version: z.literal(VERSION),
  instance: instanceSchema,
  plane: z
    .object({
      id: planeIdSchema,
      /** Of the last list that was applied; absent: none yet. */
      generation: generationSchema.optional(),
      /** Player ids that are kept although the list leaves them out. */
      held: z.array(z.string()),
      /** Player ids of its list that are in rows of the node's own. */
      shared: z.array(z.string()).optional(),
      /** Player ids of rows of the node's own that become the plane's once a list of its names them. */
      handedOver: z.array(z.string()).optional(),
    })
    .optional(),
  traffic: z.object({ month: z.string().regex(/^\d{4}-\d\d$/), receivedBytes: bytes, sentBytes: bytes }).optional(),
});

export type ControlState = Omit<z.infer<typeof contentSchema>, 'version'>;

/** What a node remembers of its control plane, beside the rows themselves: `control.json` in the data folder, mode 0600. */
export class ControlFile {
  readonly #path: string;
  #state: ControlState;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, state: ControlState) {
    this.#path = path;
    this.#state = state;
  }

  /**
   * Reads the file, or begins one. A damaged file is put aside: what it held is told again by the plane, and no plane keeps a node from
   * starting.
   * @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE where it is there and cannot be read
   */
  static async open(dataDir: string, logger: Logger): Promise<ControlFile> {
    const path = join(dataDir, CONTROL_FILE);
    const text = await readDataFile(path);
    const fresh = { instance: randomBytes(16).toString('hex') };
    if (text === undefined) return new ControlFile(path, fresh);
    const content = parse(text);
    if (content) {
      const { version: _version, ...state } = content;
      return new ControlFile(path, state);
    }
    const aside = `${path}.damaged`;
    logger.error('the memory of the control plane is damaged: it is put aside, and begun anew', { path, aside });
    await rename(path, aside).catch(() => {});
    return new ControlFile(path, fresh);
  }

  get state(): ControlState {
    return this.#state;
  }

  /** In force at once; on disk with the next `save`. */
  note(change: Partial<ControlState>): void {
    this.#state = { ...this.#state, ...change };
  }

  /** In force at once, and on disk when this resolves. @throws TributaryError TRIBUTARY_DATA_DIR_UNWRITABLE */
  save(change: Partial<ControlState>): Promise<void> {
    this.note(change);
    const result = this.#last.then(() =>
      writeDataFile(this.#path, `${JSON.stringify({ version: VERSION, ...this.#state }, undefined, 2)}\n`),
    );
    this.#last = result.catch(() => {});
    return result;
  }

  /** As `save`; what cannot be written is logged, and written with the next change. */
  async trySave(change: Partial<ControlState>, logger: Logger): Promise<void> {
    await this.save(change).catch((error: unknown) =>
      logger.error('what is known of the control plane was not stored', { error: messageOf(error) }),
    );
  }
}

const parse = (text: string): z.infer<typeof contentSchema> | undefined => {
  try {
    return contentSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};
