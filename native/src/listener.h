#pragma once

#include <srt/srt.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "admission.h"
#include "event_queue.h"
#include "options.h"
#include "refusal_budget.h"
#include "token_table.h"

namespace tributary {

/**
 * A listening socket with its listen callback. libsrt's threads reach it through a process-wide table of tokens, never by pointer, so that
 * a callback that comes late finds nothing instead of freed memory.
 */
class Listener {
 public:
  /** @throws SrtFailure */
  static std::shared_ptr<Listener> open(const ListenOptions& options, std::shared_ptr<Admission> admission,
                                        std::shared_ptr<EventQueue> events);
  /** Closes the socket; once it returns, no callback of it runs or will run. */
  void close();
  ~Listener();

  /** Stays the same after `close`. */
  SRTSOCKET socket() const { return socket_; }
  Role role() const { return options_.role; }
  /** The local port; 0 when closed. */
  int port() const;

 private:
  Listener(const ListenOptions& options, std::shared_ptr<Admission> admission, std::shared_ptr<EventQueue> events);
  void setOptions(SRTSOCKET socket, bool isV6, bool isAnyV6) const;
  static int onRequest(void* token, SRTSOCKET newcomer, int version, const sockaddr* peer, const char* streamId);
  /** 0 lets the newcomer in, -1 rejects it. */
  Admission::Caller callerOf(SRTSOCKET newcomer, const sockaddr* peer) const;
  int decide(SRTSOCKET newcomer, const sockaddr* peer, const std::string& streamId);
  int reject(SRTSOCKET newcomer, const sockaddr* peer, const std::string& streamId, int code);
  /** @throws SrtFailure */
  void apply(const Access& access, SRTSOCKET newcomer) const;
  int refuse(SRTSOCKET newcomer, const sockaddr* peer, const std::string& streamId, int code);

  const ListenOptions options_;
  const std::shared_ptr<Admission> admission_;
  const std::shared_ptr<EventQueue> events_;
  /** Whether the caller may be let in only to be closed: not too often for this id from there, nor for any id. */
  bool mayClose(const sockaddr* peer, const std::string& streamId);
  /** Whether a passphrase may be tried for this id from there: libsrt spends a millisecond of everybody's time on each try. */
  bool mayTry(const sockaddr* peer, const std::string& streamId);

  std::mutex budgetMutex_;
  RefusalBudget closes_;
  RefusalBudget closesOfSource_;
  TokenTable tries_;
  uintptr_t token_ = 0;
  SRTSOCKET socket_ = SRT_INVALID_SOCK;
  std::atomic<bool> isOpen_{false};
};

}  // namespace tributary
