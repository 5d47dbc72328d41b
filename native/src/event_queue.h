#pragma once

#include <srt/srt.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace tributary {

struct Event {
  enum class Type { accepted, refused, connected, connectFailed, broken, ended };
  Type type;
  SRTSOCKET socket = 0;
  SRTSOCKET listener = 0;
  std::string streamId = {};
  std::string address = {};
  int port = 0;
  int latencyMs = 0;
  bool encrypted = false;
  SRTSOCKET replaces = 0;
  /** Reject code of a refusal or of a failed connection. */
  int code = 0;
  /** A refusal: accepted and closed, instead of rejected in the handshake. */
  bool closed = false;
  std::string message = {};
};

/**
 * Events on their way to JavaScript, from any thread. Its lock is a leaf: nothing else is called or locked under it, so libsrt's threads
 * may push in the listen callback.
 */
class EventQueue {
 public:
  void push(Event event);
  /** Bounded, since strangers cause these: beyond the bound they are only counted. */
  void pushRefused(Event event);
  /** Moves all events to `out`; returns the refusals that were only counted. */
  uint64_t take(std::vector<Event>& out);
  bool empty() const { return size() == 0; }
  size_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  static constexpr size_t kMostRefusals = 1024;
  std::mutex mutex_;
  std::vector<Event> events_;
  size_t refusals_ = 0;
  uint64_t unreported_ = 0;
  std::atomic<size_t> size_{0};
};

}  // namespace tributary
