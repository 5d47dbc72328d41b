#pragma once

#include <string>

namespace tributary {

enum class Role { publish, play };

/** The options of the JavaScript interface, checked. */
struct EngineOptions {
  int tickMs = 5;
  int slots = 0;
  int takeoverSilenceMs = 0;
};

struct ListenOptions {
  std::string host;
  int port = 0;
  Role role = Role::publish;
  bool refuseByClosing = false;
  int closesPerMinute = 0;
  /** 0: without limit. */
  int passphraseTriesPerSecond = 0;
  int latencyFloorMs = 0;
  int reorderTolerancePackets = 0;
  int peerIdleTimeoutMs = 0;
  int bufferBytes = 0;
  int flowWindowPackets = 0;
  int udpBufferBytes = 0;
  int backlog = 0;
};

struct ConnectOptions {
  std::string host;
  int port = 0;
  std::string streamId;
  std::string passphrase;
  int latencyMs = 0;
  int connectTimeoutMs = 0;
  /** 0 leaves libsrt's default. */
  int peerIdleTimeoutMs = 0;
  /** 0 leaves the usual room. */
  int bufferBytes = 0;
  bool reads = false;
};

struct Access {
  /** Empty: the caller must not encrypt. */
  std::string passphrase;
  int maxSockets = 1;
  /** Floor of the direction in use; 0 leaves the listener's. */
  int latencyMs = 0;
  /** Whoever comes out above it is closed with 1406; 0 = anybody is let in. */
  int latencyCeilingMs = 0;
  /** SRTO_RCVBUF of a publisher, SRTO_SNDBUF of a player, and SRTO_FC; 0 leaves the listener's. */
  int bufferBytes = 0;
  int flowWindowPackets = 0;
};

}  // namespace tributary
