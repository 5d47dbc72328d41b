/** Where control packets to one peer go. The bytes are valid during the call. */
export interface ControlOutlet {
  control(packet: Uint8Array): void;
}

/** What a receiver hands on. */
export interface ReceiverOutbox extends ControlOutlet {
  /**
   * A packet whose turn it is, decrypted, in the receiver's store. It is the callee's from now on, who releases it. The store's source
   * time of it is when it was due: when its source sent it, by our clock, and the latency where it was released at play time.
   */
  deliver(slot: number): void;
}

/** Decrypts payloads where they lie. */
export interface PayloadDecipher {
  /** `key` is one of `KEY`, never `clear`. False where there is no such key. */
  decrypt(bytes: Uint8Array, offset: number, length: number, sequence: number, key: number): boolean;
}

/** What a sender hands out. */
export interface SenderOutbox extends ControlOutlet {
  /**
   * A data packet for the wire: this header, valid during the call, and the payload of the slot, which is clear: `keyOf(header)` says which
   * key it is to be encrypted with.
   */
  data(header: Uint8Array, slot: number): void;
}
