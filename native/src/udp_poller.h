#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "udp_spill.h"

namespace tributary {

/** Sockets at once; their numbers are below it. */
constexpr int kMostUdpSockets = 32'768;

/**
 * Sleeps until a socket has something, notes which, and wakes JavaScript; not again before `rearm`, and never queues. While more than
 * `busyPerSecond` datagrams arrive its thread is parked, and JavaScript looks by itself every few milliseconds: a thread that wakes another
 * one for each batch would cost more than the batch. Parked, it sees to it that no receive buffer overflows while JavaScript is away.
 */
class UdpPoller {
 public:
  /** What JavaScript does next: sleep until it is woken, read on, or look again by itself a little later. */
  enum Next : int { sleep, more, later };

  /** `wake` is called on the poller's thread. With `paces` false it never asks JavaScript to look by itself. @throws UdpFailure */
  UdpPoller(bool paces, int busyPerSecond, UdpSpill& spill, std::function<void()> wake);
  ~UdpPoller();

  // What follows belongs to JavaScript's thread.

  /** @throws UdpFailure */
  void add(int descriptor, int socket);
  /** Before the socket is closed. */
  void remove(int descriptor);
  /** Appends the numbers of sockets that have become readable since the last call. They may be gone by now. */
  void takeReady(std::vector<int>& out);
  /** JavaScript has read what there was; `datagrams` since it did so last. */
  Next rearm(int datagrams);
  double wakeups() const { return static_cast<double>(wakeups_.load(std::memory_order_relaxed)); }
  /** Ends the thread. Safe twice. */
  void stop();

 private:
  enum Gate : int { open, shut, shutWithMore };

  void run();
  /** What a look at the epoll has brought. */
  struct Found {
    bool bell = false;
    bool sockets = false;
  };

  /** Notes what is ready; waits for it when there is nothing. */
  Found collect(int timeoutMs);
  void ring();
  /** Silences the bell. */
  void listen();
  /** Waits until the bell rings, and empties sockets meanwhile where that is needed. */
  void tend();
  void signal();
  bool isBusy(int datagrams);

  const bool paces_;
  const int64_t busyPerSecond_;
  UdpSpill& spill_;
  const std::function<void()> wake_;
  const int epoll_;
  /** Ends a wait of the thread: it is to stop, or no longer to be parked. */
  const int bell_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> parked_{false};
  std::atomic<int> gate_{open};
  std::atomic<uint64_t> wakeups_{0};
  /** One bit for each socket number. */
  std::vector<std::atomic<uint64_t>> ready_;
  std::atomic<int> readyWords_{0};

  // Of JavaScript's thread.
  int64_t windowNs_ = 0;
  int64_t windowDatagrams_ = 0;
  bool busy_ = false;
  std::thread thread_;
};

}  // namespace tributary
