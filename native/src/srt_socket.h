#pragma once

#include <srt/srt.h>

#include <cstdint>

namespace tributary {

/**
 * One connection. `connecting` (callers only), `live`, then for one that reads `ending`: nothing arrives any more, but what libsrt has
 * buffered comes out at its time. What follows is no state: it is closed and forgotten.
 */
struct SrtSocket {
  enum class State { connecting, live, ending };

  SRTSOCKET handle = SRT_INVALID_SOCK;
  State state = State::live;
  bool reads = false;
  /** Let in as a publisher, so that its arrivals are watched. */
  bool isPublisher = false;
  /** There may be something to read. */
  bool readable = false;
  /** Negotiated, in the direction that the socket is used in. */
  int latencyMs = 0;
  /** No message may carry an earlier source time, µs of libsrt's clock. */
  int64_t startTimeUs = 0;
  /** While ending: when it is closed at the latest. */
  int64_t deadlineMs = 0;
  int64_t receivedPackets = 0;
};

}  // namespace tributary
