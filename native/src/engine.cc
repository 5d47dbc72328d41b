#include "engine.h"

#include <algorithm>
#include <utility>

#include "caller.h"
#include "clock.h"
#include "socket_flags.h"
#include "srt_failure.h"
#include "stats.h"

namespace tributary {
namespace {

int createEpoll() {
  SrtRuntime::ensureStarted();
  const int epoll = srt_epoll_create();
  if (epoll < 0) throw SrtFailure::last("srt_epoll_create");
  srt_epoll_set(epoll, SRT_EPOLL_ENABLE_EMPTY);
  return epoll;
}

}  // namespace

Engine::Engine(const EngineOptions& options, std::function<void()> wake)
    : epoll_(createEpoll()),
      admission_(std::make_shared<Admission>(options.takeoverSilenceMs)),
      events_(std::make_shared<EventQueue>()),
      slots_(std::make_shared<Slots>(options.slots)),
      table_(epoll_, admission_, events_),
      listeners_(epoll_),
      reader_(table_, slots_),
      gate_(options.tickMs, std::move(wake)),
      poll_(epoll_, gate_, table_, listeners_, *admission_, *events_) {
  SrtRuntime::enlist(this);
}

Engine::~Engine() { shutdown(); }

SRTSOCKET Engine::listen(const ListenOptions& options) {
  return listeners_.add(Listener::open(options, admission_, events_));
}

int Engine::listenerPort(SRTSOCKET listener) {
  const auto found = listeners_.find(listener);
  return found ? found->port() : 0;
}

void Engine::closeListener(SRTSOCKET listener) { listeners_.close(listener); }

SRTSOCKET Engine::connect(const ConnectOptions& options) {
  // Under the lock, so that the poll thread meets the socket only when it is complete.
  const auto lock = table_.lock();
  SrtSocket& socket = table_.add(prepareCaller(options));
  try {
    startConnecting(socket.handle, options);
  } catch (const SrtFailure&) {
    table_.drop(socket);
    throw;
  }
  return socket.handle;
}

void Engine::look() { reader_.look(); }

int Engine::receive() { return reader_.read(steadyMs()); }

void Engine::send(const int32_t* sockets, size_t socketCount, int firstSlot, int slotCount, double* dropped) {
  const auto lock = table_.lock();
  SRT_MSGCTRL control = srt_msgctrl_default;
  for (size_t i = 0; i < socketCount; i++) {
    const SrtSocket* socket = table_.find(sockets[i]);
    int slot = firstSlot;
    const int end = firstSlot + slotCount;
    for (; socket != nullptr && slot < end; slot++) {
      // The time at which the message was due keeps batching from adding delay or jitter at the player.
      const auto dueUs = static_cast<int64_t>(slots_->sourceTimesUs()[slot]);
      control.srctime = std::max(dueUs, socket->startTimeUs);
      // JavaScript can write to the lengths.
      const int length = slots_->lengths()[slot];
      if (length < 1 || length > kPayloadBytes) break;
      // A full or broken socket will not take the next one either.
      if (srt_sendmsg2(socket->handle, slots_->slot(slot), length, &control) < 0) break;
    }
    dropped[i] += end - slot;
  }
}

int Engine::sendMessage(SRTSOCKET handle, const char* bytes, int length, int64_t sourceTimeUs) {
  const auto lock = table_.lock();
  const SrtSocket* socket = table_.find(handle);
  if (socket == nullptr || socket->state != SrtSocket::State::live) return -2;
  SRT_MSGCTRL control = srt_msgctrl_default;
  if (sourceTimeUs > 0) control.srctime = std::max(sourceTimeUs, socket->startTimeUs);
  const int sent = srt_sendmsg2(handle, bytes, length, &control);
  if (sent >= 0) return sent;
  return srt_getlasterror(nullptr) == SRT_EASYNCSND ? -1 : -2;
}

bool Engine::stats(SRTSOCKET handle, double* out) {
  const auto lock = table_.lock();
  return table_.find(handle) != nullptr && readStats(handle, out);
}

void Engine::close(SRTSOCKET handle) {
  const auto lock = table_.lock();
  if (SrtSocket* socket = table_.find(handle)) table_.retire(*socket);
}

void Engine::shutdown() {
  if (isShut_.exchange(true)) return;
  SrtRuntime::delist(this);
  gate_.stop();
  poll_.join();
  listeners_.clear();
  {
    const auto lock = table_.lock();
    table_.clear();
  }
  srt_epoll_release(epoll_);
}

}  // namespace tributary
