#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace tributary {

/** A numeric address and a port, as the system takes it. */
struct Address {
  sockaddr_storage storage{};
  int length = 0;
  bool isV6 = false;
  bool isAnyV6 = false;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  /** False when `host` is not a numeric IPv4 or IPv6 address (`fe80::1%eth0` is one). */
  static bool parse(const std::string& host, int port, Address& out);
};

struct Endpoint {
  std::string address;
  int port = 0;
};

/** IPv4-mapped IPv6 addresses are shown as IPv4. */
Endpoint describe(const sockaddr* address);

/** `host:port`, IPv6 in brackets. */
std::string formatEndpoint(const std::string& host, int port);

/** What counts as one source: an IPv4 address, or the /64 of an IPv6 address. Never 0. */
uint64_t sourceKey(const sockaddr* address);

}  // namespace tributary
