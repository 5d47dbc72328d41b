#include "srt_failure.h"

#include <srt/srt.h>

#include <cerrno>

namespace tributary {
namespace {

std::string systemName(int error) {
  switch (error) {
    case EADDRINUSE:
      return "EADDRINUSE";
    case EADDRNOTAVAIL:
      return "EADDRNOTAVAIL";
    case EACCES:
    case EPERM:
      return "EACCES";
    case EAFNOSUPPORT:
      return "EAFNOSUPPORT";
    case EMFILE:
      return "EMFILE";
    case ENETUNREACH:
      return "ENETUNREACH";
    case EHOSTUNREACH:
      return "EHOSTUNREACH";
    default:
      return {};
  }
}

std::string srtName(int code) {
  switch (code) {
    case SRT_ENOSERVER:
      return "SRT_ENOSERVER";
    case SRT_ECONNREJ:
      return "SRT_ECONNREJ";
    case SRT_ESOCKFAIL:
      return "SRT_ESOCKFAIL";
    case SRT_ECONNLOST:
      return "SRT_ECONNLOST";
    case SRT_ENOBUF:
      return "SRT_ENOBUF";
    case SRT_ETHREAD:
      return "SRT_ETHREAD";
    case SRT_EINVPARAM:
      return "SRT_EINVPARAM";
    case SRT_EINVSOCK:
      return "SRT_EINVSOCK";
    default:
      return "SRT_" + std::to_string(code);
  }
}

}  // namespace

SrtFailure SrtFailure::last(const std::string& what) {
  int systemError = 0;
  const int code = srt_getlasterror(&systemError);
  const std::string text = srt_getlasterror_str();
  // Two sockets of this process cannot share a listening port; libsrt has codes of its own for that.
  if (code == SRT_EDUPLISTEN || code == SRT_EBINDCONFLICT)
    return SrtFailure("EADDRINUSE", code, what + ": address already in use (by a listener of this process)");
  const std::string system = code == SRT_ESOCKFAIL ? systemName(systemError) : std::string();
  return SrtFailure(system.empty() ? srtName(code) : system, code, what + ": " + text);
}

}  // namespace tributary
