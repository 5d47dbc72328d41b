#include "udp_socket.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "udp_failure.h"

namespace tributary {
namespace {

bool isWildcardAddress(const Address& address) {
  if (address.isV6) return address.isAnyV6;
  return reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr.s_addr == INADDR_ANY;
}

Address parse(const std::string& host, int port) {
  Address address;
  if (!Address::parse(host, port, address)) throw UdpFailure("address " + host, EINVAL);
  return address;
}

}  // namespace

UdpSocket::UdpSocket(bool isV6, bool isConnected, bool towardsServer)
    : descriptor_(socket(isV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      isV6_(isV6),
      isConnected_(isConnected),
      towardsServer_(towardsServer) {
  if (descriptor_ < 0) throw UdpFailure::last("socket");
}

UdpSocket::UdpSocket(UdpSocket&& from) noexcept
    : descriptor_(std::exchange(from.descriptor_, -1)),
      isV6_(from.isV6_),
      isConnected_(from.isConnected_),
      towardsServer_(from.towardsServer_),
      isWildcard_(from.isWildcard_),
      lacks_(std::move(from.lacks_)) {}

UdpSocket::~UdpSocket() {
  if (descriptor_ >= 0) close(descriptor_);
}

UdpSocket UdpSocket::bind(const UdpBindOptions& options) {
  const Address address = parse(options.host, options.port);
  UdpSocket made(address.isV6, false, options.towardsServer);
  made.isWildcard_ = isWildcardAddress(address);
  if (made.isV6_) {
    // What the host's default makes of `::` is not to be relied on.
    made.set(IPPROTO_IPV6, IPV6_V6ONLY, 0, "IPV6_V6ONLY");
    if (made.isWildcard_) made.setIfKnown(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
  } else if (made.isWildcard_) {
    made.setIfKnown(IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  }
  if (!options.device.empty() && setsockopt(made.descriptor_, SOL_SOCKET, SO_BINDTODEVICE, options.device.c_str(),
                                            static_cast<socklen_t>(options.device.size())) < 0)
    throw UdpFailure::last("SO_BINDTODEVICE " + options.device);
  if (!made.towardsServer_) made.setIfKnown(SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
  made.askForBuffers(options.bufferBytes);
  if (::bind(made.descriptor_, address.get(), static_cast<socklen_t>(address.length)) < 0)
    throw UdpFailure::last("bind " + formatEndpoint(options.host, options.port));
  return made;
}

UdpSocket UdpSocket::connect(const UdpConnectOptions& options) {
  const Address address = parse(options.host, options.port);
  UdpSocket made(address.isV6, true, true);
  made.askForBuffers(options.bufferBytes);
  if (::connect(made.descriptor_, address.get(), static_cast<socklen_t>(address.length)) < 0)
    throw UdpFailure::last("connect " + formatEndpoint(options.host, options.port));
  return made;
}

void UdpSocket::set(int level, int option, int value, const char* name) {
  if (setsockopt(descriptor_, level, option, &value, sizeof value) < 0) throw UdpFailure::last(name);
}

void UdpSocket::setIfKnown(int level, int option, int value, const char* name) {
  if (setsockopt(descriptor_, level, option, &value, sizeof value) == 0) return;
  // Emulators and sandboxes know fewer options than Linux does.
  if (errno != ENOPROTOOPT && errno != EOPNOTSUPP) throw UdpFailure::last(name);
  lacks_.emplace_back(name);
}

void UdpSocket::askForBuffers(int bytes) {
  const auto ask = [&](int option, int forced) {
    setsockopt(descriptor_, SOL_SOCKET, option, &bytes, sizeof bytes);
    // Past net.core.rmem_max, for those who may.
    if (bufferBytes(option) < bytes) setsockopt(descriptor_, SOL_SOCKET, forced, &bytes, sizeof bytes);
  };
  ask(SO_RCVBUF, SO_RCVBUFFORCE);
  ask(SO_SNDBUF, SO_SNDBUFFORCE);
}

int UdpSocket::bufferBytes(int option) const {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  if (getsockopt(descriptor_, SOL_SOCKET, option, &bytes, &length) < 0) return 0;
  // Linux reports twice what it granted, its own book-keeping included.
  return bytes / 2;
}

int UdpSocket::receiveBufferBytes() const { return bufferBytes(SO_RCVBUF); }
int UdpSocket::sendBufferBytes() const { return bufferBytes(SO_SNDBUF); }

Endpoint UdpSocket::local() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) < 0) return {};
  return describe(reinterpret_cast<const sockaddr*>(&address));
}

uint64_t UdpSocket::kernelDrops() const {
  // The same counter that SO_RXQ_OVFL attaches to datagrams, but it can be read when none come any more.
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof memory;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_MEMINFO, memory, &length) < 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace tributary
