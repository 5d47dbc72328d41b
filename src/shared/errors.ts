/**
 * Every failure a person may meet carries a stable code. The codes are listed in docs/errors.md; match on `code`, not on text.
 */
export type ErrorCode =
  | 'TRIBUTARY_PORT_IN_USE'
  | 'TRIBUTARY_BIND_FAILED'
  | 'TRIBUTARY_DATA_DIR_UNWRITABLE'
  | 'TRIBUTARY_DATA_DIR_IN_USE'
  | 'TRIBUTARY_DATA_FILE_CORRUPT'
  | 'TRIBUTARY_DATA_FILE_NEWER'
  | 'TRIBUTARY_ADDON_MISSING'
  | 'TRIBUTARY_LIBSRT_MISSING'
  | 'TRIBUTARY_LIBSRT_UNFIXED'
  | 'TRIBUTARY_BAD_SETTING'
  | 'TRIBUTARY_BAD_ARGUMENT'
  | 'TRIBUTARY_BAD_INPUT_FILE'
  | 'TRIBUTARY_STREAM_ID_TAKEN'
  | 'TRIBUTARY_STREAM_ID_UNKNOWN'
  | 'TRIBUTARY_STREAM_ID_INVALID'
  | 'TRIBUTARY_KEY_LIMIT'
  | 'TRIBUTARY_KEY_NEEDED'
  | 'TRIBUTARY_SHARE_LIMIT'
  | 'TRIBUTARY_SLS_DATABASE_UNREADABLE'
  | 'TRIBUTARY_SLS_DATABASE_NEWER'
  | 'TRIBUTARY_BACKUP_INVALID'
  | 'TRIBUTARY_FILE_EXISTS'
  | 'TRIBUTARY_FILE_UNWRITABLE'
  | 'TRIBUTARY_SRT_CONNECT_FAILED'
  | 'TRIBUTARY_SRTLA_NO_LINK'
  | 'TRIBUTARY_NODE_NOT_RUNNING'
  | 'TRIBUTARY_PLANE_REFUSED'
  | 'TRIBUTARY_DATABASE_UNUSABLE'
  | 'TRIBUTARY_DATABASE_NEWER'
  | 'TRIBUTARY_TLS_UNUSABLE'
  | 'TRIBUTARY_BUSY'
  | 'TRIBUTARY_ASN_DATABASE_INVALID'
  | 'TRIBUTARY_ASN_DOWNLOAD_FAILED'
  | 'TRIBUTARY_ASN_SOURCE_MISSING';

const onOneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** An error that names the thing that is wrong and, in `mend`, what the reader can do about it. */
export class TributaryError extends Error {
  readonly code: ErrorCode;
  readonly mend: string | undefined;

  constructor(code: ErrorCode, message: string, mend?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TributaryError';
    this.code = code;
    this.mend = mend;
  }

  /** One line for a terminal: what is wrong, and the mend. What was given may be repeated in it, whatever it holds. */
  get line(): string {
    return onOneLine(this.mend ? `${this.message}: ${this.mend}` : this.message);
  }
}

/** The `code` of any thrown value (Node's errno text, libsrt's, ours), or undefined. */
export const codeOf = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null) return undefined;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
