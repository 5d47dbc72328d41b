#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "admission.h"
#include "event_queue.h"
#include "srt_socket.h"

namespace tributary {

/**
 * Every connection of an engine, and the ways a connection ends. JavaScript's thread and the poll thread share it: all but the constructor
 * and `endingCount` need `lock()`. libsrt's threads never come here.
 */
class SocketTable {
 public:
  SocketTable(int epoll, std::shared_ptr<Admission> admission, std::shared_ptr<EventQueue> events);

  std::unique_lock<std::mutex> lock() { return std::unique_lock<std::mutex>(mutex_); }
  /** Sockets whose tail is being read: each tick must wake JavaScript. */
  int endingCount() const { return ending_.load(std::memory_order_acquire); }

  SrtSocket* find(SRTSOCKET handle);
  size_t size() const { return byHandle_.size(); }
  const std::vector<SrtSocket*>& readers() const { return readers_; }

  /** Takes the socket over and watches it for what its state needs. */
  SrtSocket& add(const SrtSocket& socket);
  /** A caller got through: watch it for what it needs from now on. */
  void rewatch(const SrtSocket& socket);
  /** The end of arrival: a reader goes on as `ending`, any other socket is gone after this call. */
  void breakOff(SrtSocket& socket, int64_t nowMs);
  /** Closes the socket and says `ended`; the reference is dead after this call. */
  void retire(SrtSocket& socket);
  /** Closes the socket without an event. */
  void drop(SrtSocket& socket);
  /** Whoever is ending may have something due at every tick. */
  void markEndingReadable();
  /** Closes everything, without events. */
  void clear();

 private:
  void close(const SrtSocket& socket);

  const int epoll_;
  const std::shared_ptr<Admission> admission_;
  const std::shared_ptr<EventQueue> events_;
  std::mutex mutex_;
  std::unordered_map<SRTSOCKET, std::unique_ptr<SrtSocket>> byHandle_;
  std::vector<SrtSocket*> readers_;
  std::atomic<int> ending_{0};
};

}  // namespace tributary
