#include "listener.h"

#include <cstring>
#include <functional>
#include <unordered_map>
#include <utility>

#include "address.h"
#include "clock.h"
#include "socket_flags.h"

namespace tributary {
namespace {

/** What players send to us is not read: no need to keep room for it. */
constexpr int kPlayerReceiveBytes = 64 * 1500;
/** Neighbours behind one address ask for different ids. */
constexpr int kIdsPerSource = 10;
/** Tries of a passphrase that may come at once, as after a restart of many players: so many seconds' worth. */
constexpr double kTrySeconds = 30;

uint64_t spread(uint64_t value) { return (value ^ value >> 29) * 0x9e3779b97f4a7c15ULL | 1; }

/** A stream id asked for from one source. Never 0. */
uint64_t keyOf(const sockaddr* peer, const std::string& streamId) {
  return spread(spread(sourceKey(peer)) ^ std::hash<std::string>()(streamId));
}

struct Tokens {
  std::mutex mutex;
  std::unordered_map<uintptr_t, std::weak_ptr<Listener>> listeners;
  uintptr_t next = 1;
};

Tokens& tokens() {
  static Tokens* kept = new Tokens();
  return *kept;
}

}  // namespace

Listener::Listener(const ListenOptions& options, std::shared_ptr<Admission> admission,
                   std::shared_ptr<EventQueue> events)
    : options_(options),
      admission_(std::move(admission)),
      events_(std::move(events)),
      closes_(options.closesPerMinute),
      closesOfSource_(kIdsPerSource * options.closesPerMinute),
      tries_(kTrySeconds * options.passphraseTriesPerSecond, options.passphraseTriesPerSecond) {}

std::shared_ptr<Listener> Listener::open(const ListenOptions& options, std::shared_ptr<Admission> admission,
                                         std::shared_ptr<EventQueue> events) {
  const std::string where = "listen on " + formatEndpoint(options.host, options.port);
  Address address;
  Address::parse(options.host, options.port, address);
  std::shared_ptr<Listener> listener(new Listener(options, std::move(admission), std::move(events)));
  SocketGuard socket(srt_create_socket());
  if (socket.get() == SRT_INVALID_SOCK) throw SrtFailure::last(where);
  listener->setOptions(socket.get(), address.isV6, address.isAnyV6);
  if (srt_bind(socket.get(), address.get(), address.length) < 0) throw SrtFailure::last(where);
  {
    const std::lock_guard<std::mutex> lock(tokens().mutex);
    listener->token_ = tokens().next++;
    tokens().listeners[listener->token_] = listener;
  }
  listener->socket_ = socket.get();
  if (srt_listen_callback(socket.get(), &Listener::onRequest, reinterpret_cast<void*>(listener->token_)) < 0 ||
      srt_listen(socket.get(), options.backlog) < 0) {
    throw SrtFailure::last(where);
  }
  listener->isOpen_ = true;
  socket.release();
  return listener;
}

void Listener::setOptions(SRTSOCKET socket, bool isV6, bool isAnyV6) const {
  const bool publishes = options_.role == Role::publish;
  setBool(socket, SRTO_RCVSYN, false, "SRTO_RCVSYN");
  setBool(socket, SRTO_SNDSYN, false, "SRTO_SNDSYN");
  if (isV6) setInt(socket, SRTO_IPV6ONLY, isAnyV6 ? 0 : 1, "SRTO_IPV6ONLY");
  setInt(socket, SRTO_UDP_RCVBUF, options_.udpBufferBytes, "SRTO_UDP_RCVBUF");
  setInt(socket, SRTO_UDP_SNDBUF, options_.udpBufferBytes, "SRTO_UDP_SNDBUF");
  // Before the buffers: libsrt limits the receive buffer to the flow window.
  setInt(socket, SRTO_FC, options_.flowWindowPackets, "SRTO_FC");
  if (publishes) {
    setInt(socket, SRTO_RCVBUF, options_.bufferBytes, "SRTO_RCVBUF");
  } else {
    setInt(socket, SRTO_SNDBUF, options_.bufferBytes, "SRTO_SNDBUF");
    setInt(socket, SRTO_RCVBUF, kPlayerReceiveBytes, "SRTO_RCVBUF");
  }
  setInt(socket, SRTO_PAYLOADSIZE, kPayloadBytes, "SRTO_PAYLOADSIZE");
  setBool(socket, SRTO_TLPKTDROP, true, "SRTO_TLPKTDROP");
  setInt(socket, SRTO_LOSSMAXTTL, options_.reorderTolerancePackets, "SRTO_LOSSMAXTTL");
  setInt(socket, SRTO_PEERIDLETIMEO, options_.peerIdleTimeoutMs, "SRTO_PEERIDLETIMEO");
  if (options_.latencyFloorMs > 0)
    setInt(socket, publishes ? SRTO_RCVLATENCY : SRTO_PEERLATENCY, options_.latencyFloorMs, "latency floor");
}

int Listener::port() const {
  Address local;
  local.length = sizeof local.storage;
  if (srt_getsockname(socket_, reinterpret_cast<sockaddr*>(&local.storage), &local.length) < 0) return 0;
  return describe(local.get()).port;
}

void Listener::close() {
  if (isOpen_.exchange(false)) srt_close(socket_);
}

Listener::~Listener() {
  close();
  const std::lock_guard<std::mutex> lock(tokens().mutex);
  tokens().listeners.erase(token_);
}

int Listener::onRequest(void* token, SRTSOCKET newcomer, int, const sockaddr* peer, const char* streamId) {
  try {
    std::shared_ptr<Listener> listener;
    {
      const std::lock_guard<std::mutex> lock(tokens().mutex);
      const auto found = tokens().listeners.find(reinterpret_cast<uintptr_t>(token));
      if (found != tokens().listeners.end()) listener = found->second.lock();
    }
    return listener ? listener->decide(newcomer, peer, streamId == nullptr ? "" : streamId) : -1;
  } catch (...) {
    // Out of memory: nobody may throw through libsrt.
    return -1;
  }
}

Admission::Caller Listener::callerOf(SRTSOCKET newcomer, const sockaddr* peer) const {
  Admission::Caller caller{newcomer, socket_, {}};
  std::memcpy(&caller.peer, peer, peer->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  return caller;
}

int Listener::decide(SRTSOCKET newcomer, const sockaddr* peer, const std::string& streamId) {
  const Admission::Verdict verdict =
      admission_->request(options_.role, streamId, callerOf(newcomer, peer), steadyMs());
  if (verdict.code != 0) return refuse(newcomer, peer, streamId, verdict.code);
  // Before it is set: a try costs libsrt time.
  if (!verdict.access.passphrase.empty() && !mayTry(peer, streamId)) {
    admission_->release(newcomer);
    return reject(newcomer, peer, streamId, kRejectOverload);
  }
  try {
    apply(verdict.access, newcomer);
    return 0;
  } catch (const SrtFailure&) {
    // Never let somebody in without the secret, or past the limits, that are due.
    admission_->release(newcomer);
    return refuse(newcomer, peer, streamId, kRejectForbidden);
  }
}

void Listener::apply(const Access& access, SRTSOCKET newcomer) const {
  const bool publishes = options_.role == Role::publish;
  if (!access.passphrase.empty()) setText(newcomer, SRTO_PASSPHRASE, access.passphrase, "SRTO_PASSPHRASE");
  if (access.latencyMs > 0)
    setInt(newcomer, publishes ? SRTO_RCVLATENCY : SRTO_PEERLATENCY, access.latencyMs, "latency floor");
  // Before the buffer: libsrt limits the receive buffer to the flow window.
  if (access.flowWindowPackets > 0) setInt(newcomer, SRTO_FC, access.flowWindowPackets, "SRTO_FC");
  if (access.bufferBytes > 0)
    setInt(newcomer, publishes ? SRTO_RCVBUF : SRTO_SNDBUF, access.bufferBytes, "buffer");
}

int Listener::refuse(SRTSOCKET newcomer, const sockaddr* peer, const std::string& streamId, int code) {
  if (!options_.refuseByClosing || !mayClose(peer, streamId)) return reject(newcomer, peer, streamId, code);
  admission_->letInToClose(streamId, callerOf(newcomer, peer), code, steadyMs());
  return 0;
}

bool Listener::mayClose(const sockaddr* peer, const std::string& streamId) {
  const int64_t nowMs = steadyMs();
  const std::lock_guard<std::mutex> lock(budgetMutex_);
  return closes_.take(keyOf(peer, streamId), nowMs) && closesOfSource_.take(sourceKey(peer), nowMs);
}

bool Listener::mayTry(const sockaddr* peer, const std::string& streamId) {
  if (options_.passphraseTriesPerSecond == 0) return true;
  const std::lock_guard<std::mutex> lock(budgetMutex_);
  return tries_.take(keyOf(peer, streamId), steadyMs() * 1'000'000);
}

int Listener::reject(SRTSOCKET newcomer, const sockaddr* peer, const std::string& streamId, int code) {
  srt_setrejectreason(newcomer, code);
  const Endpoint from = describe(peer);
  Event event{Event::Type::refused};
  event.listener = socket_;
  event.streamId = streamId;
  event.address = from.address;
  event.port = from.port;
  event.code = code;
  events_->pushRefused(std::move(event));
  return -1;
}

}  // namespace tributary
