#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "admission.h"
#include "batch_reader.h"
#include "event_queue.h"
#include "listener_table.h"
#include "options.h"
#include "poll_thread.h"
#include "slots.h"
#include "socket_table.h"
#include "srt_runtime.h"
#include "wake_gate.h"

namespace tributary {

/**
 * Listeners, connections and the poll thread of one environment; knows nothing of Node. Its methods belong to one thread (JavaScript's),
 * `shutdown` also to the one that exits the process.
 */
class Engine final : public Closable {
 public:
  /** `wake` is called on the poll thread, gated. @throws SrtFailure */
  Engine(const EngineOptions& options, std::function<void()> wake);
  ~Engine();

  /** @throws SrtFailure */
  SRTSOCKET listen(const ListenOptions& options);
  /** 0 when there is no such listener. */
  int listenerPort(SRTSOCKET listener);
  void closeListener(SRTSOCKET listener);
  /** @throws SrtFailure */
  SRTSOCKET connect(const ConnectOptions& options);

  Admission& admission() { return *admission_; }
  EventQueue& events() { return *events_; }
  const std::shared_ptr<Slots>& slots() const { return slots_; }
  void rearm() { gate_.rearm(); }

  /** Returns the number of runs. */
  void look();
  int receive();
  /** Slots to sockets; adds to `dropped` what they would not take. */
  void send(const int32_t* sockets, size_t socketCount, int firstSlot, int slotCount, double* dropped);
  /** Length, -1 when the send buffer is full, -2 when the socket is gone. */
  int sendMessage(SRTSOCKET socket, const char* bytes, int length, int64_t sourceTimeUs);
  bool stats(SRTSOCKET socket, double* out);
  void close(SRTSOCKET socket);

  /** Joins the thread and closes every socket. Safe twice. */
  void shutdown() override;

 private:
  const int epoll_;
  const std::shared_ptr<Admission> admission_;
  const std::shared_ptr<EventQueue> events_;
  const std::shared_ptr<Slots> slots_;
  SocketTable table_;
  ListenerTable listeners_;
  BatchReader reader_;
  WakeGate gate_;
  PollThread poll_;
  std::atomic<bool> isShut_{false};
};

}  // namespace tributary
