import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

const sha = (text: string): string => createHash('sha256').update(text).digest('base64');

type Request = { requestType: string; requestId: string; requestData?: Record<string, unknown> };

/**
 * An OBS as far as obs-websocket 5 shows it: Hello, Identify with a password, requests by id with status codes, and events that come between a
 * request and its answer.
 */
export class FakeObs {
  readonly url: string;
  scene = 'Live';
  scenes = ['Live', 'Low', 'BRB', 'Camera'];
  isStreaming = true;
  media = { mediaState: 'OBS_MEDIA_STATE_PLAYING', mediaCursor: 0 as number | null };
  /** Names of sources that were started anew. */
  readonly restarted: string[] = [];
  /** Scenes in the order in which they were asked for. */
  readonly shown: string[] = [];
  readonly #server: WebSocketServer;
  readonly #password: string | undefined;

  private constructor(server: WebSocketServer, password: string | undefined) {
    this.#server = server;
    this.#password = password;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#greet(socket));
  }

  static async start(password?: string, port = 0): Promise<FakeObs> {
    const server = new WebSocketServer({ host: '127.0.0.1', port });
    await once(server, 'listening');
    return new FakeObs(server, password);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((done) => this.#server.close(done));
  }

  #greet(socket: WebSocket): void {
    const send = (op: number, d: object): void => socket.send(JSON.stringify({ op, d }));
    const [challenge, salt] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const authentication = this.#password === undefined ? {} : { authentication: { challenge, salt } };
    send(0, { obsWebSocketVersion: '5.1.0', rpcVersion: 1, ...authentication });
    let isIdentified = false;
    socket.on('message', (data) => {
      const { op, d } = JSON.parse(String(data)) as { op: number; d: Record<string, unknown> };
      if (op === 1) {
        const expected = this.#password === undefined ? undefined : sha(sha(this.#password + salt) + challenge);
        if (d.authentication !== expected) return socket.close(4_009, 'Authentication failed.');
        isIdentified = true;
        return send(2, { negotiatedRpcVersion: 1 });
      }
      if (!isIdentified) return socket.close(4_007, 'Not identified.');
      if (op !== 6) return socket.close(4_006, 'Unknown op code.');
      const request = d as unknown as Request;
      send(5, { eventType: 'InputVolumeMeters', eventIntent: 65_536, eventData: { inputs: [] } });
      const { requestType, requestId } = request;
      const answer = this.#answer(request);
      const requestStatus =
        typeof answer === 'number'
          ? { result: false, code: answer, comment: 'No source was found.' }
          : { result: true, code: 100 };
      // A scene switch has no response data.
      const responseData = typeof answer === 'object' ? { responseData: answer } : {};
      return send(7, { requestType, requestId, requestStatus, ...responseData });
    });
  }

  /** @returns the response data, undefined for none, or the code of a failure */
  #answer({ requestType, requestData = {} }: Request): object | undefined | number {
    switch (requestType) {
      case 'GetSceneList':
        return {
          currentProgramSceneName: this.scene,
          scenes: this.scenes.map((sceneName, sceneIndex) => ({ sceneIndex, sceneName })),
        };
      case 'GetCurrentProgramScene':
        return { currentProgramSceneName: this.scene };
      case 'SetCurrentProgramScene': {
        const scene = String(requestData.sceneName);
        if (!this.scenes.includes(scene)) return 600;
        this.scene = scene;
        this.shown.push(scene);
        return undefined;
      }
      case 'GetStreamStatus':
        return { outputActive: this.isStreaming };
      case 'GetMediaInputStatus':
        return requestData.inputName === 'Relay' ? { ...this.media, mediaDuration: null } : 600;
      case 'TriggerMediaInputAction':
        if (requestData.inputName !== 'Relay') return 600;
        this.restarted.push(String(requestData.inputName));
        this.media = { mediaState: 'OBS_MEDIA_STATE_PLAYING', mediaCursor: 0 };
        return undefined;
      default:
        return 204;
    }
  }
}
