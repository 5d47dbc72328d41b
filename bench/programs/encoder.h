// One bonded encoder: registers its links (SRTLA), makes an SRT session, sends payloads over the links in turn, and answers ACK and NAK.
#pragma once
#include "link_socket.h"
#include "srt_wire.h"

namespace bench {

/// bonded: SRTLA and SRT; plain: SRT on one link; raw: data packets only; idle: SRTLA registration and keepalives only.
enum class Mode { bonded, plain, raw, idle };

struct LoadCounters {
  uint64_t sent = 0, retransmitted = 0, naks = 0, srtAcks = 0, echoes = 0, shutdowns = 0, rejected = 0;
  /// SRTLA ACK: entries that acknowledge what was sent on that link, the same once more, and what was not sent there.
  uint64_t acked = 0, ackedAgain = 0, ackedWrong = 0;
  /// From the tenth packet of a link to its SRTLA ACK: the stage's own delay, seen from outside.
  Histogram ackDelay;
};

class Encoder {
 public:
  Encoder(int group, int links, int burst, Mode mode, uint16_t latencyMs, std::string streamId)
      : group_(group), links_(links), burst_(burst), mode_(mode), latencyMs_(latencyMs), streamId_(std::move(streamId)), ring_(RING) {
    for (int i = 0; i < 128; i++) id_[i] = uint8_t(rand());
    state_ = mode == Mode::raw ? LIVE : mode == Mode::plain ? INDUCTION : REG1;
    joined_.resize(size_t(links));
    startNs_ = nowNs();
  }

  bool ready() const { return state_ == LIVE; }
  bool ended() const { return state_ == ENDED; }
  uint64_t sent() const { return next_; }
  /// Of the session; 0 before it is up.
  uint32_t serverId() const { return serverId_; }
  bool settled() const { return state_ != LIVE || mode_ == Mode::raw || mode_ == Mode::idle || !everAcked_ || ackedTo_ == sequenceOf(next_); }

  /// Repeats what has had no answer, and keeps links alive. Call every 50 ms or so.
  void tick(int64_t now, LinkSocket& out) {
    if (state_ != LIVE && state_ != ENDED && now - triedNs_ >= 250000000) attempt(out);
    if (mode_ == Mode::raw || mode_ == Mode::plain || state_ == ENDED) return;
    const int64_t every = keepaliveNs();
    for (int l = 0; l < links_; l++) {
      // Each link at a moment of its own: encoders do not beat as one.
      const int64_t phase = every / 97 * ((group_ * 31 + l * 7) % 97);
      if (!joined_[size_t(l)] || (now + phase) / every == (keptAliveNs_ + phase) / every) continue;
      uint8_t* p = out.reserve({group_, l}, false);
      write16(p, 0x9000);
      write32(p + 2, 0);
      write32(p + 6, uint32_t(now / 1000000));
      out.commit(10, false);
    }
    keptAliveNs_ = now;
  }

  void sendPayload(int64_t now, LinkSocket& out) {
    Sent& s = ring_[next_ % RING];
    s = {now, uint32_t((now - startNs_) / 1000), 0, 0};
    const uint64_t counter = next_++;
    transmit(counter, int(counter / uint64_t(burst_) % uint64_t(links_)), false, out);
  }

  void receive(int link, const uint8_t* p, int size, int64_t arrival, LoadCounters& count, LinkSocket& out) {
    if (size < 2 || link >= links_) return;
    const uint16_t type = read16(p);
    if (type == 0x9100) return srtlaAck(link, p, size, arrival, count);
    if (type == 0x9000) count.echoes++;
    else if (type == 0x9201 && state_ == REG1 && size == 258 && memcmp(p + 2, id_, 128) == 0) {
      memcpy(id_, p + 2, 256);
      state_ = REG2;
      attempt(out);
    } else if (type == 0x9202 && state_ == REG2) {
      joined_[size_t(link)] = true;
      for (const bool joined : joined_) if (!joined) return;
      state_ = mode_ == Mode::idle ? LIVE : INDUCTION;
      if (state_ == INDUCTION) attempt(out);
    } else if (type == srt::T_HANDSHAKE && size >= srt::HANDSHAKE) handshakeAnswer(p, count, out);
    else if (type == srt::T_ACK && size >= srt::HEADER + 4) srtAck(link, p, size, count, out);
    else if (type == srt::T_NAK) nak(link, p, size, count, out);
    else if (type == srt::T_SHUTDOWN && state_ == LIVE) state_ = ENDED, count.shutdowns++;
  }

  void shutdown(LinkSocket& out) {
    if (state_ != LIVE || mode_ == Mode::raw || mode_ == Mode::idle) return;
    uint8_t* p = out.reserve({group_, 0}, false);
    out.commit(srt::control(p, srt::T_SHUTDOWN, 0, uint32_t((nowNs() - startNs_) / 1000), serverId_), false);
    state_ = ENDED;
  }

 private:
  static constexpr uint64_t RING = 1 << 14;
  static constexpr uint32_t FIRST = 1000;
  enum State { REG1, REG2, INDUCTION, CONCLUSION, LIVE, ENDED };
  struct Sent {
    int64_t atNs;
    uint32_t timestampUs, links, acked;
  };
  static uint32_t sequenceOf(uint64_t counter) { return uint32_t(FIRST + counter) & 0x7fffffff; }
  int64_t keepaliveNs() const { return mode_ == Mode::idle ? 4000000000 : 1000000000; }

  /// With the time of sending: the server takes the difference to its own clock from a conclusion.
  void attempt(LinkSocket& out) {
    const int64_t now = triedNs_ = nowNs();
    for (int l = 0; l < (state_ == REG2 ? links_ : 1); l++) {
      uint8_t* p = out.reserve({group_, l}, false);
      if (state_ == REG1 || state_ == REG2) {
        write16(p, state_ == REG1 ? 0x9200 : 0x9201);
        memcpy(p + 2, id_, 256);
        out.commit(258, false);
      } else {
        const bool first = state_ == INDUCTION;
        const uint32_t at = uint32_t((now - startNs_) / 1000);
        int size = srt::handshake(p, {first ? 4u : 5u, first ? srt::INDUCTION : srt::CONCLUSION, 0x1000u + uint32_t(group_), first ? 0 : cookie_, FIRST, uint16_t(first ? 2 : 5)}, at, 0);
        if (!first) size += srt::conclusionExtensions(p + size, latencyMs_, streamId_);
        out.commit(size, false);
      }
    }
  }

  void handshakeAnswer(const uint8_t* p, LoadCounters& count, LinkSocket& out) {
    const srt::Handshake h = srt::readHandshake(p);
    if (h.type == srt::INDUCTION && state_ == INDUCTION) {
      cookie_ = h.cookie;
      state_ = CONCLUSION;
      attempt(out);
    } else if (h.type == srt::CONCLUSION && state_ == CONCLUSION) {
      serverId_ = h.socketId;
      state_ = LIVE;
    } else if (h.type >= 1000 && h.type < 100000 && state_ != ENDED) {
      fprintf(stderr, "the server refused stream %d with code %u\n", group_, h.type);
      count.rejected++;
      state_ = ENDED;
    }
  }

  void transmit(uint64_t counter, int link, bool again, LinkSocket& out) {
    Sent& s = ring_[counter % RING];
    s.links |= 1u << link;
    uint8_t* p = out.reserve({group_, link}, true);
    const int size = srt::data(p, sequenceOf(counter), uint32_t(counter + 1), again, s.timestampUs, serverId_);
    Payload{Payload::MAGIC, uint32_t(group_), counter, s.atNs}.write(p + srt::HEADER);
    out.commit(size, true);
  }

  /// The counter of a sequence number that is still in the ring.
  bool counterOf(uint32_t sequence, uint64_t& counter) const {
    counter = uint64_t((sequence - FIRST) & 0x7fffffff);
    return counter < next_ && next_ - counter <= RING;
  }

  void srtlaAck(int link, const uint8_t* p, int size, int64_t arrival, LoadCounters& count) {
    uint64_t counter = 0;
    for (int at = 4; at + 4 <= size; at += 4) {
      const uint32_t bit = 1u << link;
      if (!counterOf(read32(p + at), counter) || !(ring_[counter % RING].links & bit)) count.ackedWrong++;
      else if (ring_[counter % RING].acked & bit) count.ackedAgain++;
      else ring_[counter % RING].acked |= bit, count.acked++;
    }
    if (size == 44 && counter < next_) count.ackDelay.add(arrival - ring_[counter % RING].atNs);
  }

  void srtAck(int link, const uint8_t* p, int size, LoadCounters& count, LinkSocket& out) {
    count.srtAcks++;
    ackedTo_ = read32(p + srt::HEADER);
    everAcked_ = true;
    // A light one (a single word) wants no answer.
    if (size < srt::HEADER + 16) return;
    uint8_t* to = out.reserve({group_, link}, false);
    out.commit(srt::control(to, srt::T_ACKACK, read32(p + 4), uint32_t((nowNs() - startNs_) / 1000), serverId_), false);
  }

  void nak(int link, const uint8_t* p, int size, LoadCounters& count, LinkSocket& out) {
    count.naks++;
    srt::eachLost(p, size, 1000, [&](uint32_t sequence) {
      uint64_t counter;
      if (!counterOf(sequence, counter)) return;
      count.retransmitted++;
      transmit(counter, (link + 1) % links_, true, out);
    });
  }

  const int group_, links_, burst_;
  const Mode mode_;
  const uint16_t latencyMs_;
  const std::string streamId_;
  std::vector<Sent> ring_;
  std::vector<bool> joined_;
  uint8_t id_[256] = {};
  State state_;
  uint32_t cookie_ = 0, serverId_ = 0, ackedTo_ = 0;
  bool everAcked_ = false;
  uint64_t next_ = 0;
  int64_t startNs_, triedNs_ = 0, keptAliveNs_ = 0;
};

}  // namespace bench
