#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

namespace tributary {

bool Address::parse(const std::string& host, int port, Address& out) {
  out = Address{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    out.length = sizeof(sockaddr_in);
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  const size_t zone = host.find('%');
  if (inet_pton(AF_INET6, host.substr(0, zone).c_str(), &v6->sin6_addr) != 1) return false;
  if (zone != std::string::npos) {
    v6->sin6_scope_id = if_nametoindex(host.c_str() + zone + 1);
    if (v6->sin6_scope_id == 0) return false;
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<uint16_t>(port));
  out.length = sizeof(sockaddr_in6);
  out.isV6 = true;
  out.isAnyV6 = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
  return true;
}

Endpoint describe(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return {text, ntohs(v4->sin_port)};
  }
  if (address->sa_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
    inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
  else
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  return {text, ntohs(v6->sin6_port)};
}

std::string formatEndpoint(const std::string& host, int port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

uint64_t sourceKey(const sockaddr* address) {
  // No global unicast /64 begins with these bits, so the two families never share a key.
  constexpr uint64_t kV4 = 0xffff'0000'0000'0000ULL;
  if (address->sa_family == AF_INET) return kV4 | reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr;
  if (address->sa_family != AF_INET6) return kV4 >> 1;
  const auto& bytes = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr)) {
    uint32_t v4;
    std::memcpy(&v4, &bytes[12], sizeof v4);
    return kV4 | v4;
  }
  uint64_t prefix = 0;
  for (int i = 0; i < 8; i++) prefix = prefix << 8 | bytes[i];
  // ::1 and its like have the prefix 0, which marks an empty row elsewhere.
  return prefix == 0 ? 1 : prefix;
}

}  // namespace tributary
