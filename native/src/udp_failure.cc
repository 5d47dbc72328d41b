#include "udp_failure.h"

#include <cerrno>
#include <cstring>

namespace tributary {
namespace {

std::string nameOf(int number) {
  const char* name = strerrorname_np(number);
  return name != nullptr ? name : "E" + std::to_string(number);
}

}  // namespace

UdpFailure::UdpFailure(const std::string& what, int number)
    : std::runtime_error(what + ": " + nameOf(number)), code_(nameOf(number)) {}

UdpFailure UdpFailure::last(const std::string& what) { return UdpFailure(what, errno); }

}  // namespace tributary
