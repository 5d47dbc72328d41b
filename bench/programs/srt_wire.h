// The SRT packets that an encoder and a server exchange, as far as the bench needs them.
//
//   data     0 u32 0 | sequence number (31)    4 u32 PP O KK R message number (26)
//   control  0 u16 1 | type (15)  2 u16 0      4 u32 type-specific
//   both     8 u32 timestamp, µs              12 u32 destination socket id
#pragma once
#include "bench.h"

namespace bench::srt {

constexpr int HEADER = 16, HANDSHAKE = 64;
constexpr uint16_t T_HANDSHAKE = 0x8000, T_KEEPALIVE = 0x8001, T_ACK = 0x8002, T_NAK = 0x8003, T_SHUTDOWN = 0x8005, T_ACKACK = 0x8006;
constexpr uint32_t INDUCTION = 1, CONCLUSION = 0xffffffff;

inline int data(uint8_t* to, uint32_t sequence, uint32_t message, bool again, uint32_t timestampUs, uint32_t destination) {
  write32(to, sequence);
  // Alone in its message, in order, R where it is sent again.
  write32(to + 4, 0xe0000000u | (again ? 0x04000000u : 0) | (message & 0x03ffffff));
  write32(to + 8, timestampUs);
  write32(to + 12, destination);
  return HEADER + Payload::BYTES;
}

/// A control packet with one word of content, which libsrt pads all its packets to.
inline int control(uint8_t* to, uint16_t type, uint32_t specific, uint32_t timestampUs, uint32_t destination) {
  memset(to, 0, 20);
  write16(to, type);
  write32(to + 4, specific);
  write32(to + 8, timestampUs);
  write32(to + 12, destination);
  return 20;
}

struct Handshake {
  uint32_t version, type, socketId, cookie, sequence;
  uint16_t extensions;
};

inline int handshake(uint8_t* to, const Handshake& h, uint32_t timestampUs, uint32_t destination) {
  memset(to, 0, HANDSHAKE);
  write16(to, T_HANDSHAKE);
  write32(to + 8, timestampUs);
  write32(to + 12, destination);
  write32(to + 16, h.version);
  write16(to + 22, h.extensions);
  write32(to + 24, h.sequence);
  write32(to + 28, 1500);
  write32(to + 32, 25600);
  write32(to + 36, h.type);
  write32(to + 40, h.socketId);
  write32(to + 44, h.cookie);
  // 127.0.0.1, its bytes in the machine's order.
  to[48] = 1, to[51] = 127;
  return HANDSHAKE;
}

inline Handshake readHandshake(const uint8_t* p) {
  return {read32(p + 16), read32(p + 36), read32(p + 40), read32(p + 44), read32(p + 24), read16(p + 22)};
}

/// Appends the extensions of a conclusion: HSREQ with the latency for both directions, and the stream id. Returns the bytes added.
inline int conclusionExtensions(uint8_t* to, uint16_t latencyMs, const std::string& streamId) {
  write16(to, 1);
  write16(to + 2, 3);
  write32(to + 4, 0x00010501);
  // TSBPD both ways, too-late drop, periodic NAK, R flag; encryption possible.
  write32(to + 8, 0x3f);
  write32(to + 12, uint32_t(latencyMs) << 16 | latencyMs);
  const int words = int(streamId.size() + 3) / 4;
  uint8_t* sid = to + 16;
  write16(sid, 5);
  write16(sid + 2, uint16_t(words));
  for (int i = 0; i < words * 4; i++) {
    const size_t from = size_t(i - i % 4 + 3 - i % 4);
    sid[4 + i] = from < streamId.size() ? uint8_t(streamId[from]) : 0;
  }
  return 16 + 4 + words * 4;
}

/// The sequence numbers of a NAK, one after the other; at most `limit`.
template <class Each>
void eachLost(const uint8_t* packet, int size, int limit, Each each) {
  for (int at = HEADER; at + 4 <= size && limit > 0; at += 4) {
    const uint32_t first = read32(packet + at) & 0x7fffffff;
    uint32_t last = first;
    if ((packet[at] & 0x80) && at + 8 <= size) last = read32(packet + (at += 4)) & 0x7fffffff;
    for (uint32_t s = first; s <= last && limit-- > 0; s++) each(s);
  }
}

}  // namespace bench::srt
