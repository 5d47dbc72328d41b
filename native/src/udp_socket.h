#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "address.h"
#include "udp_options.h"

namespace tributary {

/** One UDP socket, non-blocking. A connected one has no peers: everything it gets is from the server, everything it sends goes there. */
class UdpSocket {
 public:
  /** `::` is dual-stack. @throws UdpFailure */
  static UdpSocket bind(const UdpBindOptions& options);
  /** @throws UdpFailure */
  static UdpSocket connect(const UdpConnectOptions& options);

  UdpSocket(UdpSocket&& from) noexcept;
  UdpSocket& operator=(UdpSocket&&) = delete;
  ~UdpSocket();

  int descriptor() const { return descriptor_; }
  bool isV6() const { return isV6_; }
  bool isConnected() const { return isConnected_; }
  bool towardsServer() const { return towardsServer_; }
  /** It is bound to no address, so each datagram tells to which it came, and each answer from which it leaves. */
  bool isWildcard() const { return isWildcard_; }
  Endpoint local() const;
  /** What the kernel granted, in the unit in which it was asked for. */
  int receiveBufferBytes() const;
  int sendBufferBytes() const;
  /** Options that this kernel has not, and that it does without: arrival times are then those of the reading, answers leave from any address. */
  const std::vector<std::string>& lacks() const { return lacks_; }
  /** Datagrams that the kernel has dropped because nobody read them in time. */
  uint64_t kernelDrops() const;

 private:
  UdpSocket(bool isV6, bool isConnected, bool towardsServer);
  void set(int level, int option, int value, const char* name);
  void setIfKnown(int level, int option, int value, const char* name);
  void askForBuffers(int bytes);
  int bufferBytes(int option) const;

  int descriptor_;
  bool isV6_;
  bool isConnected_;
  bool towardsServer_;
  bool isWildcard_ = false;
  std::vector<std::string> lacks_;
};

}  // namespace tributary
