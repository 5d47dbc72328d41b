#pragma once

#include <srt/srt.h>

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "admission.h"
#include "event_queue.h"
#include "listener_table.h"
#include "socket_table.h"
#include "wake_gate.h"

namespace tributary {

/**
 * Sleeps in srt_epoll_uwait, accepts and refuses callers, notices connections and their end, watches which publishers are silent, and
 * wakes JavaScript through the gate when there is something to take. Never runs JavaScript and never waits for it.
 */
class PollThread {
 public:
  PollThread(int epoll, WakeGate& gate, SocketTable& table, ListenerTable& listeners, Admission& admission,
             EventQueue& events);
  ~PollThread() { join(); }
  /** The gate must be stopped. */
  void join();

 private:
  using Duration = std::chrono::milliseconds;

  void run();
  /** Looks at the epoll and serves it. With `forData`, readable sockets are marked; returns whether there were any. */
  bool poll(Duration timeout, bool forData);
  /** Fills `ready_`; returns how many. */
  size_t wait(Duration timeout);
  bool onSocket(const SRT_EPOLL_EVENT& event, bool forData);
  void onCaller(SrtSocket& socket, bool hasFailed);
  /** A socket that broke before the epoll watched it would never be signalled. */
  void breakIfGone(SrtSocket& socket);
  bool accept(Listener& listener);
  void adopt(Listener& listener, SRTSOCKET accepted, const sockaddr* peer);
  void sampleArrivals(int64_t nowMs);

  const int epoll_;
  WakeGate& gate_;
  SocketTable& table_;
  ListenerTable& listeners_;
  Admission& admission_;
  EventQueue& events_;
  std::vector<SRT_EPOLL_EVENT> ready_;
  std::vector<SRTSOCKET> publishers_;
  int64_t sampledMs_ = 0;
  std::thread thread_;
};

}  // namespace tributary
