#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "listener.h"

namespace tributary {

/** The listeners of an engine. Thread-safe; libsrt is not called under its lock, since closing waits for a running listen callback. */
class ListenerTable {
 public:
  explicit ListenerTable(int epoll) : epoll_(epoll) {}

  /** Watches the listener and returns its number. */
  SRTSOCKET add(const std::shared_ptr<Listener>& listener);
  std::shared_ptr<Listener> find(SRTSOCKET socket);
  size_t size();
  void close(SRTSOCKET socket);
  void clear();

 private:
  const int epoll_;
  std::mutex mutex_;
  std::unordered_map<SRTSOCKET, std::shared_ptr<Listener>> bySocket_;
};

}  // namespace tributary
