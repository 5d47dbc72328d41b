import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './Icon.tsx';

/** The picture, on demand: it is a player of the stream like any other, and the player's code is fetched with the first look. */
export const Preview = ({ name }: { name: string }) => {
  const [isOn, setOn] = useState(false);
  const [problem, setProblem] = useState('');
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!isOn || !element) return undefined;
    let stop = (): void => {};
    let isGone = false;
    void import('mpegts.js').then(({ default: mpegts }) => {
      if (isGone) return;
      const player = mpegts.createPlayer(
        { type: 'mpegts', isLive: true, url: `/preview/${name}` },
        {
          enableWorker: false,
          // Faster until it is near the live edge: jumping would tear what is on screen.
          liveSync: true,
          liveSyncMaxLatency: 3,
          liveSyncTargetLatency: 1.5,
        },
      );
      player.on(mpegts.Events.ERROR, (_type: string, detail: string) => {
        setProblem(
          detail === 'HttpStatusCodeInvalid'
            ? 'Two others are watching, or the stream has ended.'
            : `The picture stopped (${detail}).`,
        );
        setOn(false);
      });
      player.attachMediaElement(element);
      player.load();
      void Promise.resolve(player.play()).catch(() => {});
      stop = () => player.destroy();
    });
    return () => {
      isGone = true;
      stop();
    };
  }, [isOn, name]);
  return (
    <section class="card preview" data-on={isOn}>
      <div class="section-head">
        <h2>Picture</h2>
        <button
          type="button"
          class="button"
          onClick={() => {
            setProblem('');
            setOn(!isOn);
          }}
        >
          <Icon name={isOn ? 'close' : 'players'} size={16} />
          {isOn ? 'Stop' : 'Show the picture'}
        </button>
      </div>
      {isOn ? (
        <video ref={video} class="preview-video" muted playsInline controls aria-label="The stream as players see it" />
      ) : (
        <p class="faint">{problem || 'A player like any other, muted: it counts in the traffic of this node.'}</p>
      )}
    </section>
  );
};
