import type { Millis } from '../shared/clock.ts';

/** A pause that can be ended early. A wake-up that comes before the pause begins ends it at once. */
export class Sleeper {
  #end: (() => void) | undefined;
  #woken = false;

  /** @param ms undefined: until `wake` */
  sleep(ms?: Millis): Promise<void> {
    if (this.#woken) {
      this.#woken = false;
      return Promise.resolve();
    }
    return new Promise((done) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.#end?.(), ms);
      this.#end = () => {
        clearTimeout(timer);
        this.#end = undefined;
        done();
      };
    });
  }

  wake(): void {
    if (this.#end) this.#end();
    else this.#woken = true;
  }
}
