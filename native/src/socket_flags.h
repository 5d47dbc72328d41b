#pragma once

#include <srt/srt.h>

#include <string>

#include "srt_failure.h"

namespace tributary {

/** Sets an option whose type is an int32 (libsrt checks the size). */
inline void setInt(SRTSOCKET socket, SRT_SOCKOPT option, int value, const char* name) {
  if (srt_setsockflag(socket, option, &value, sizeof value) < 0)
    throw SrtFailure::last(std::string(name) + " = " + std::to_string(value));
}

inline void setBool(SRTSOCKET socket, SRT_SOCKOPT option, bool value, const char* name) {
  if (srt_setsockflag(socket, option, &value, sizeof value) < 0) throw SrtFailure::last(name);
}

inline void setText(SRTSOCKET socket, SRT_SOCKOPT option, const std::string& value, const char* name) {
  if (srt_setsockflag(socket, option, value.data(), static_cast<int>(value.size())) < 0) throw SrtFailure::last(name);
}

/** 0 when the socket is gone. */
inline int getInt(SRTSOCKET socket, SRT_SOCKOPT option) {
  int value = 0;
  int length = sizeof value;
  return srt_getsockflag(socket, option, &value, &length) < 0 ? 0 : value;
}

/** Closes a socket unless it was handed over. */
class SocketGuard {
 public:
  explicit SocketGuard(SRTSOCKET socket) : socket_(socket) {}
  ~SocketGuard() {
    if (socket_ != SRT_INVALID_SOCK) srt_close(socket_);
  }
  SocketGuard(const SocketGuard&) = delete;
  SocketGuard& operator=(const SocketGuard&) = delete;

  SRTSOCKET get() const { return socket_; }
  SRTSOCKET release() {
    const SRTSOCKET socket = socket_;
    socket_ = SRT_INVALID_SOCK;
    return socket;
  }

 private:
  SRTSOCKET socket_;
};

/** The largest payload that fits one datagram with the default MSS; both ends of a live connection need the same. */
constexpr int kPayloadBytes = 1456;

}  // namespace tributary
