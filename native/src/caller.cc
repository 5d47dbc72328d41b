#include "caller.h"

#include "address.h"
#include "socket_flags.h"

namespace tributary {
namespace {

/** Latency × bitrate of one session at its largest: 10 s at 25 Mbit/s. libsrt takes the memory only as it is used. */
constexpr int kBufferBytes = 32 * 1024 * 1024;
constexpr int kFlowWindowPackets = 25'600;

}  // namespace

SrtSocket prepareCaller(const ConnectOptions& options) {
  SocketGuard guard(srt_create_socket());
  const SRTSOCKET handle = guard.get();
  if (handle == SRT_INVALID_SOCK) throw SrtFailure::last("srt_create_socket");
  setBool(handle, SRTO_RCVSYN, false, "SRTO_RCVSYN");
  setBool(handle, SRTO_SNDSYN, false, "SRTO_SNDSYN");
  setInt(handle, SRTO_FC, kFlowWindowPackets, "SRTO_FC");
  const int bufferBytes = options.bufferBytes > 0 ? options.bufferBytes : kBufferBytes;
  setInt(handle, options.reads ? SRTO_RCVBUF : SRTO_SNDBUF, bufferBytes, "buffer");
  setInt(handle, SRTO_PAYLOADSIZE, kPayloadBytes, "SRTO_PAYLOADSIZE");
  setBool(handle, SRTO_TLPKTDROP, true, "SRTO_TLPKTDROP");
  setInt(handle, SRTO_LATENCY, options.latencyMs, "SRTO_LATENCY");
  setInt(handle, SRTO_CONNTIMEO, options.connectTimeoutMs, "SRTO_CONNTIMEO");
  if (options.peerIdleTimeoutMs > 0)
    setInt(handle, SRTO_PEERIDLETIMEO, options.peerIdleTimeoutMs, "SRTO_PEERIDLETIMEO");
  if (!options.streamId.empty()) setText(handle, SRTO_STREAMID, options.streamId, "SRTO_STREAMID");
  if (!options.passphrase.empty()) setText(handle, SRTO_PASSPHRASE, options.passphrase, "SRTO_PASSPHRASE");
  SrtSocket socket;
  socket.handle = guard.release();
  socket.state = SrtSocket::State::connecting;
  socket.reads = options.reads;
  return socket;
}

void startConnecting(SRTSOCKET socket, const ConnectOptions& options) {
  Address address;
  Address::parse(options.host, options.port, address);
  if (srt_connect(socket, address.get(), address.length) < 0)
    throw SrtFailure::last("connect to " + formatEndpoint(options.host, options.port));
}

void readNegotiated(SrtSocket& socket) {
  socket.latencyMs = getInt(socket.handle, socket.reads ? SRTO_RCVLATENCY : SRTO_PEERLATENCY);
  socket.startTimeUs = srt_connection_time(socket.handle);
}

Event connectFailed(SRTSOCKET socket) {
  const int reason = srt_getrejectreason(socket);
  Event event{Event::Type::connectFailed};
  event.socket = socket;
  event.code = reason == SRT_REJ_TIMEOUT ? 0 : reason;
  if (reason == SRT_REJ_UNKNOWN)
    event.message = "closed while connecting";
  else if (reason == SRT_REJ_TIMEOUT)
    event.message = "no answer";
  else if (reason >= SRT_REJC_PREDEFINED)
    event.message = "rejected with code " + std::to_string(reason);
  else
    event.message = std::string("rejected: ") + srt_rejectreason_str(reason);
  return event;
}

}  // namespace tributary
