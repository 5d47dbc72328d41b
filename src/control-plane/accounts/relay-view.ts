/** What accounts and admin pages need of sessions and nodes, and what their owner implements. Field names as in the JSON answers. */

export interface ActiveSession {
  readonly session_id: string;
  /** `provisioning`, `active` or `grace`. */
  readonly status: string;
  readonly connection_id?: string;
  readonly region?: string;
  readonly stream_token?: string;
}

export interface Usage {
  readonly included_seconds: number;
  readonly consumed_seconds: number;
  readonly remaining_seconds: number;
  readonly overage_seconds: number;
}

export interface UserRelays {
  /** Open sessions, the newest first. */
  activeSessions(userId: string): Promise<readonly ActiveSession[]>;
  usage(userId: string): Promise<Usage>;
}

/** A node as the admin page shows it. */
export interface FleetNode {
  readonly id: string;
  readonly region: string;
  readonly provider: string;
  readonly address: string;
  readonly version: string;
  /** `active`, `draining` or `inactive`. */
  readonly status: string;
  /** `healthy`, `degraded`, `unhealthy` or `unknown`. */
  readonly health: string;
  /** 0 to 100. */
  readonly healthScore: number | undefined;
  readonly sessions: number;
  readonly maxSessions: number;
  /** Unix time in ms of its last heartbeat or good probe. */
  readonly lastSeenMs: number | undefined;
}

/** A session as the admin page shows it. */
export interface FleetSession {
  readonly id: string;
  readonly userId: string;
  readonly slotNumber: number | undefined;
  readonly nodeId: string | undefined;
  readonly region: string;
  readonly status: string;
  readonly isIngesting: boolean;
  /** Unix time in ms. */
  readonly startedMs: number;
}

export interface Fleet {
  nodes(): Promise<readonly FleetNode[]>;
  /** Open sessions, the newest first. */
  sessions(): Promise<readonly FleetSession[]>;
  /** False: there is no such node. */
  setNodeStatus(nodeId: string, status: 'active' | 'draining' | 'inactive'): Promise<boolean>;
  /**
   * Moves an active session to the best other node; its stream goes on.
   * @throws ApiError 404 no such session, 409 not active, 429 moved within the hour, 503 no other node
   */
  moveSession(sessionId: string): Promise<void>;
  /** Ends a session and cuts its stream. False: there is no such open session. */
  endSession(sessionId: string): Promise<boolean>;
}
