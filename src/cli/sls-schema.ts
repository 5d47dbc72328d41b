/** The tables of SLS's database, as it makes them itself: what `export-sls` writes. */
export const SLS_SCHEMA = `
CREATE TABLE stream_ids (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  publisher TEXT NOT NULL,
  player TEXT NOT NULL UNIQUE,
  description TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  UNIQUE(publisher, player)
);
CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key_hash TEXT UNIQUE NOT NULL,
  name TEXT,
  permissions TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  last_used TIMESTAMP,
  active INTEGER DEFAULT 1
);
CREATE TABLE access_logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  api_key_id INTEGER,
  endpoint TEXT,
  method TEXT,
  ip_address TEXT,
  timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  response_code INTEGER
);
CREATE INDEX idx_stream_ids_publisher ON stream_ids(publisher);
CREATE INDEX idx_stream_ids_player ON stream_ids(player);
CREATE INDEX idx_api_keys_hash ON api_keys(key_hash);
CREATE INDEX idx_access_logs_timestamp ON access_logs(timestamp);
`;

/** Columns by table: those that must be there to read a database, and those that may be there beside them. */
export const SLS_COLUMNS: Readonly<Record<string, { needed: readonly string[]; known: readonly string[] }>> = {
  stream_ids: { needed: ['publisher', 'player'], known: ['id', 'description', 'created_at', 'updated_at'] },
  api_keys: {
    needed: ['key_hash', 'permissions'],
    known: ['id', 'name', 'created_at', 'last_used', 'active'],
  },
};
