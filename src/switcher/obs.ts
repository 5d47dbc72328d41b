import OBSWebSocket, { EventSubscription, OBSWebSocketError } from 'obs-websocket-js/json';
import { messageOf } from '../shared/errors.ts';
import type { MediaStatus } from './media-watch.ts';

const CALL_WITHIN_MS = 5_000;
/** OBS closes with it where the password is wrong or missing. */
const AUTHENTICATION_FAILED = 4_009;
const RESTART = 'OBS_WEBSOCKET_MEDIA_INPUT_ACTION_RESTART';

/** What the switcher needs of OBS. Each call throws where OBS is away or refuses. */
export interface Obs {
  scenes(): Promise<readonly string[]>;
  currentScene(): Promise<string>;
  show(scene: string): Promise<void>;
  isStreaming(): Promise<boolean>;
  mediaStatus(source: string): Promise<MediaStatus>;
  restartMedia(source: string): Promise<void>;
  close(): Promise<void>;
}

const within = async <T>(work: Promise<T>, what: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`OBS does not answer to ${what}`)), CALL_WITHIN_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const reasonOf = (error: unknown): string => {
  if (error instanceof OBSWebSocketError && error.code === AUTHENTICATION_FAILED)
    return 'OBS wants another password: see Tools → WebSocket Server Settings in OBS';
  return messageOf(error) || 'the connection was refused';
};

/**
 * Connects to obs-websocket 5.
 * @param onClosed called once when the connection is over, whoever ended it
 * @throws Error with a reason for people
 */
export const connectObs = async (url: string, password: string | undefined, onClosed: () => void): Promise<Obs> => {
  const socket = new OBSWebSocket();
  try {
    const subscriptions = { eventSubscriptions: EventSubscription.None, rpcVersion: 1 };
    await within(socket.connect(url, password, subscriptions), 'the connection');
  } catch (error) {
    await socket.disconnect().catch(() => {});
    throw new Error(reasonOf(error));
  }
  socket.once('ConnectionClosed', onClosed);
  return {
    scenes: async () => {
      const { scenes } = await within(socket.call('GetSceneList'), 'GetSceneList');
      return scenes.map(({ sceneName }) => String(sceneName));
    },
    currentScene: async () =>
      (await within(socket.call('GetCurrentProgramScene'), 'GetCurrentProgramScene')).currentProgramSceneName,
    show: (sceneName) => within(socket.call('SetCurrentProgramScene', { sceneName }), 'SetCurrentProgramScene'),
    isStreaming: async () => (await within(socket.call('GetStreamStatus'), 'GetStreamStatus')).outputActive,
    mediaStatus: async (inputName) => {
      const { mediaState, mediaCursor } = await within(
        socket.call('GetMediaInputStatus', { inputName }),
        'GetMediaInputStatus',
      );
      return { state: mediaState, cursorMs: typeof mediaCursor === 'number' ? mediaCursor : undefined };
    },
    restartMedia: (inputName) =>
      within(socket.call('TriggerMediaInputAction', { inputName, mediaAction: RESTART }), 'TriggerMediaInputAction'),
    close: () => socket.disconnect(),
  };
};
