#include "poll_thread.h"

#include <sys/prctl.h>

#include <algorithm>

#include "address.h"
#include "caller.h"
#include "clock.h"
#include "socket_flags.h"
#include "stats.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;

/** Bounds how long an event that no socket of the epoll signals (a refusal, a close) waits; libsrt itself looks every 10 ms. */
constexpr milliseconds kIdleWait{25};
/** While JavaScript has not drained: how often callers are served regardless. */
constexpr milliseconds kControlWait{20};
constexpr int64_t kSampleMs = 250;
/** Callers accepted in one go, before JavaScript hears of them. */
constexpr int kMostRounds = 64;

}  // namespace

PollThread::PollThread(int epoll, WakeGate& gate, SocketTable& table, ListenerTable& listeners, Admission& admission,
                       EventQueue& events)
    : epoll_(epoll),
      gate_(gate),
      table_(table),
      listeners_(listeners),
      admission_(admission),
      events_(events),
      thread_([this] { run(); }) {}

void PollThread::join() {
  if (thread_.joinable()) thread_.join();
}

void PollThread::run() {
  prctl(PR_SET_NAME, "tributary-poll");
  bool wanted = false;
  while (!gate_.isStopped()) {
    sampleArrivals(steadyMs());
    if (!gate_.waitOpen(kControlWait)) {
      poll(milliseconds(0), false);
      continue;
    }
    if (!wanted && events_.empty() && table_.endingCount() == 0) {
      wanted = poll(kIdleWait, true);
      continue;
    }
    gate_.waitTick();
    // What has become due while the tick passed joins the batch.
    poll(milliseconds(0), true);
    {
      const auto lock = table_.lock();
      table_.markEndingReadable();
    }
    gate_.signal();
    wanted = false;
  }
}

bool PollThread::poll(Duration timeout, bool forData) {
  bool hasData = false;
  // One accept for each round: libsrt logs an error when it is asked once too often.
  int rounds = kMostRounds;
  for (bool again = true; again && rounds > 0; rounds--) {
    const size_t filled = wait(timeout);
    timeout = Duration(0);
    again = false;
    for (size_t i = 0; i < filled; i++) {
      if (const auto listener = listeners_.find(ready_[i].fd))
        again |= accept(*listener);
      else
        hasData |= onSocket(ready_[i], forData);
    }
  }
  return hasData;
}

size_t PollThread::wait(Duration timeout) {
  size_t room = listeners_.size() + 16;
  {
    const auto lock = table_.lock();
    room += table_.size();
  }
  if (ready_.size() < room) ready_.resize(room);
  const int count = srt_epoll_uwait(epoll_, ready_.data(), static_cast<int>(ready_.size()), timeout.count());
  if (count < 0) {
    gate_.pause(kIdleWait);
    return 0;
  }
  // uwait returns one more than there is room for when the array was too small.
  return std::min(static_cast<size_t>(count), ready_.size());
}

bool PollThread::onSocket(const SRT_EPOLL_EVENT& event, bool forData) {
  const auto lock = table_.lock();
  SrtSocket* socket = table_.find(event.fd);
  if (socket == nullptr) {
    srt_epoll_remove_usock(epoll_, event.fd);
    return false;
  }
  if (socket->state == SrtSocket::State::connecting) {
    onCaller(*socket, (event.events & SRT_EPOLL_ERR) != 0);
    return false;
  }
  if ((event.events & SRT_EPOLL_ERR) != 0) {
    table_.breakOff(*socket, steadyMs());
    return false;
  }
  if (!forData) return false;
  socket->readable = true;
  return true;
}

void PollThread::onCaller(SrtSocket& socket, bool hasFailed) {
  const bool isConnected = srt_getsockstate(socket.handle) == SRTS_CONNECTED;
  if (!isConnected && !hasFailed) return;
  if (!isConnected) {
    events_.push(connectFailed(socket.handle));
    table_.drop(socket);
    return;
  }
  socket.state = SrtSocket::State::live;
  readNegotiated(socket);
  table_.rewatch(socket);
  Event event{Event::Type::connected};
  event.socket = socket.handle;
  event.latencyMs = socket.latencyMs;
  events_.push(std::move(event));
  breakIfGone(socket);
}

void PollThread::breakIfGone(SrtSocket& socket) {
  if (srt_getsockstate(socket.handle) != SRTS_CONNECTED) table_.breakOff(socket, steadyMs());
}

bool PollThread::accept(Listener& listener) {
  sockaddr_storage peer{};
  int length = sizeof peer;
  auto* address = reinterpret_cast<sockaddr*>(&peer);
  const SRTSOCKET accepted = srt_accept(listener.socket(), address, &length);
  if (accepted == SRT_INVALID_SOCK) return false;
  adopt(listener, accepted, address);
  return true;
}

void PollThread::adopt(Listener& listener, SRTSOCKET accepted, const sockaddr* peer) {
  SocketGuard guard(accepted);
  SrtSocket socket;
  socket.handle = accepted;
  socket.isPublisher = socket.reads = listener.role() == Role::publish;
  readNegotiated(socket);
  const auto claim = admission_.claim(accepted, socket.latencyMs, steadyMs());
  // Its reservation has lapsed, and the id may be somebody else's by now.
  if (!claim) return;
  const Endpoint from = describe(peer);
  Event event{claim->refusal == 0 ? Event::Type::accepted : Event::Type::refused};
  event.listener = listener.socket();
  event.streamId = claim->streamId;
  event.address = from.address;
  event.port = from.port;
  if (claim->refusal != 0) {
    event.code = claim->refusal;
    event.closed = true;
    events_.pushRefused(std::move(event));
    return;
  }
  const int keyState = getInt(accepted, socket.reads ? SRTO_RCVKMSTATE : SRTO_SNDKMSTATE);
  event.socket = guard.release();
  event.latencyMs = socket.latencyMs;
  event.encrypted = keyState == SRT_KM_S_SECURED;
  event.replaces = claim->replaces;
  const auto lock = table_.lock();
  events_.push(std::move(event));
  breakIfGone(table_.add(socket));
}

void PollThread::sampleArrivals(int64_t nowMs) {
  if (nowMs - sampledMs_ < kSampleMs) return;
  sampledMs_ = nowMs;
  for (const Admission::Failure& failure : admission_.expire(nowMs)) {
    const Endpoint from = describe(reinterpret_cast<const sockaddr*>(&failure.caller.peer));
    Event event{Event::Type::refused};
    event.listener = failure.caller.listener;
    event.streamId = failure.streamId;
    event.address = from.address;
    event.port = from.port;
    event.code = failure.code;
    events_.pushRefused(std::move(event));
  }
  publishers_.clear();
  {
    const auto lock = table_.lock();
    for (const SrtSocket* socket : table_.readers())
      if (socket->isPublisher && socket->state == SrtSocket::State::live) publishers_.push_back(socket->handle);
  }
  for (const SRTSOCKET publisher : publishers_) {
    const int64_t packets = receivedPackets(publisher);
    const auto lock = table_.lock();
    SrtSocket* socket = table_.find(publisher);
    if (socket == nullptr || packets <= socket->receivedPackets) continue;
    socket->receivedPackets = packets;
    admission_.arrived(publisher, nowMs);
  }
}

}  // namespace tributary
