#include "listener_table.h"

#include <utility>

namespace tributary {

SRTSOCKET ListenerTable::add(const std::shared_ptr<Listener>& listener) {
  const SRTSOCKET socket = listener->socket();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    bySocket_[socket] = listener;
  }
  const int interest = SRT_EPOLL_IN | SRT_EPOLL_ERR;
  srt_epoll_add_usock(epoll_, socket, &interest);
  return socket;
}

std::shared_ptr<Listener> ListenerTable::find(SRTSOCKET socket) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = bySocket_.find(socket);
  return found == bySocket_.end() ? nullptr : found->second;
}

size_t ListenerTable::size() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return bySocket_.size();
}

void ListenerTable::close(SRTSOCKET socket) {
  std::shared_ptr<Listener> listener;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = bySocket_.find(socket);
    if (found == bySocket_.end()) return;
    listener = std::move(found->second);
    bySocket_.erase(found);
  }
  srt_epoll_remove_usock(epoll_, socket);
  listener->close();
}

void ListenerTable::clear() {
  std::unordered_map<SRTSOCKET, std::shared_ptr<Listener>> all;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    all.swap(bySocket_);
  }
  for (const auto& [socket, listener] : all) {
    srt_epoll_remove_usock(epoll_, socket);
    listener->close();
  }
}

}  // namespace tributary
