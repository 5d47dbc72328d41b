import type { SessionId, SrtlaEvent } from './types.ts';

/** Which group a session belongs to, by its number and by its socket at the SRT server. Learned from the core's events. */
export class SessionNames {
  readonly #groups = new Map<SessionId, string>();
  readonly #serverSockets = new Map<SessionId, number>();
  readonly #byServerSocket = new Map<number, string>();

  learn(event: SrtlaEvent): void {
    if (event.type === 'session-started') this.#groups.set(event.session, event.group);
    else if (event.type === 'session-accepted') {
      this.#serverSockets.set(event.session, event.serverSocket);
      this.#byServerSocket.set(event.serverSocket, event.group);
    } else if (event.type === 'session-ended') this.#forget(event.session);
  }

  groupOf(session: SessionId): string | undefined {
    return this.#groups.get(session);
  }

  groupOfServerSocket(id: number): string | undefined {
    return this.#byServerSocket.get(id);
  }

  #forget(session: SessionId): void {
    this.#groups.delete(session);
    const serverSocket = this.#serverSockets.get(session);
    if (serverSocket === undefined) return;
    this.#serverSockets.delete(session);
    this.#byServerSocket.delete(serverSocket);
  }
}
