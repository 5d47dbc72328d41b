#include "socket_table.h"

#include <algorithm>
#include <utility>

namespace tributary {
namespace {

/** Beyond the negotiated latency: after this the tail of a broken socket has come, or never will. */
constexpr int64_t kTailMarginMs = 500;

Event plain(Event::Type type, SRTSOCKET socket) {
  Event event{type};
  event.socket = socket;
  return event;
}

int interestOf(const SrtSocket& socket) {
  if (socket.state == SrtSocket::State::connecting) return SRT_EPOLL_OUT | SRT_EPOLL_ERR;
  // Not writable: an idle sender always is.
  return socket.reads ? SRT_EPOLL_IN | SRT_EPOLL_ERR : SRT_EPOLL_ERR;
}

}  // namespace

SocketTable::SocketTable(int epoll, std::shared_ptr<Admission> admission, std::shared_ptr<EventQueue> events)
    : epoll_(epoll), admission_(std::move(admission)), events_(std::move(events)) {}

SrtSocket* SocketTable::find(SRTSOCKET handle) {
  const auto found = byHandle_.find(handle);
  return found == byHandle_.end() ? nullptr : found->second.get();
}

SrtSocket& SocketTable::add(const SrtSocket& socket) {
  auto& owned = byHandle_[socket.handle] = std::make_unique<SrtSocket>(socket);
  if (owned->reads) readers_.push_back(owned.get());
  const int interest = interestOf(socket);
  srt_epoll_add_usock(epoll_, socket.handle, &interest);
  return *owned;
}

void SocketTable::rewatch(const SrtSocket& socket) {
  const int interest = interestOf(socket);
  srt_epoll_update_usock(epoll_, socket.handle, &interest);
}

void SocketTable::breakOff(SrtSocket& socket, int64_t nowMs) {
  if (socket.state == SrtSocket::State::ending) return;
  events_->push(plain(Event::Type::broken, socket.handle));
  if (!socket.reads) {
    retire(socket);
    return;
  }
  // A broken socket is signalled for ever.
  srt_epoll_remove_usock(epoll_, socket.handle);
  socket.state = SrtSocket::State::ending;
  socket.readable = true;
  socket.deadlineMs = nowMs + socket.latencyMs + kTailMarginMs;
  ending_.fetch_add(1, std::memory_order_release);
}

void SocketTable::retire(SrtSocket& socket) {
  const SRTSOCKET handle = socket.handle;
  drop(socket);
  events_->push(plain(Event::Type::ended, handle));
}

void SocketTable::drop(SrtSocket& socket) {
  close(socket);
  if (socket.state == SrtSocket::State::ending) ending_.fetch_sub(1, std::memory_order_release);
  if (socket.reads) readers_.erase(std::remove(readers_.begin(), readers_.end(), &socket), readers_.end());
  byHandle_.erase(socket.handle);
}

void SocketTable::markEndingReadable() {
  if (endingCount() == 0) return;
  for (SrtSocket* socket : readers_)
    if (socket->state == SrtSocket::State::ending) socket->readable = true;
}

void SocketTable::clear() {
  for (const auto& [handle, socket] : byHandle_) close(*socket);
  byHandle_.clear();
  readers_.clear();
  ending_.store(0, std::memory_order_release);
}

void SocketTable::close(const SrtSocket& socket) {
  // One that is ending has left the epoll already, and libsrt logs an error when it is asked twice.
  if (socket.state != SrtSocket::State::ending) srt_epoll_remove_usock(epoll_, socket.handle);
  srt_close(socket.handle);
  admission_->release(socket.handle);
}

}  // namespace tributary
