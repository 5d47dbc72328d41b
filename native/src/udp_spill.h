#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "udp_options.h"

namespace tributary {

/** Room for a time stamp and an address of ours. */
struct alignas(cmsghdr) UdpControl {
  char bytes[CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(in6_pktinfo))];
};

/** A datagram as the kernel handed it over. */
struct SpilledDatagram {
  uint8_t bytes[kUdpSlotBytes];
  sockaddr_in6 name;
  UdpControl control;
  socklen_t nameBytes;
  size_t controlBytes;
  unsigned length;
  int socket;
};

/**
 * What the links have sent while JavaScript was away for too long: when a socket's receive buffer is likely a third full, the poller's thread
 * empties it in here, and JavaScript finds it before what is still in the socket. So a small buffer bounds neither how long datagrams are
 * gathered nor how long a collection of garbage may take. Memory that is never needed is never touched.
 *
 * JavaScript holds the lock while it reads sockets, so that nothing overtakes.
 */
class UdpSpill {
 public:
  UdpSpill();

  // What follows belongs to JavaScript's thread.

  void add(int descriptor, int socket, int bufferBytes);
  void remove(int socket);
  std::unique_lock<std::mutex> lock() { return std::unique_lock<std::mutex>(mutex_); }
  /** With the lock. Null when there is none; good until the next call, or until the lock is given back. */
  const SpilledDatagram* take();
  bool isEmpty() const { return count_.load(std::memory_order_acquire) == 0; }
  /** JavaScript has read what there was, so many datagrams since it did so last. */
  void noteRead(int datagrams, int64_t nowNs);

  // Of the poller's thread.

  /** Empties the sockets when it is time to. Returns after how long it wants to look again, nanoseconds. */
  int64_t tend(int64_t nowNs);
  /** Empties those that are a third full. For when there is no rate yet to go by. */
  void relieve();

  double datagrams() const { return static_cast<double>(spilled_.load(std::memory_order_relaxed)); }
  double waiting() const { return static_cast<double>(count_.load(std::memory_order_relaxed)); }

 private:
  struct Source {
    int descriptor;
    int socket;
    int bufferBytes;
  };

  static bool isFilling(const Source& source);
  void drain(const Source& source);

  std::mutex mutex_;
  // Under the lock.
  std::vector<Source> sources_;
  std::unique_ptr<SpilledDatagram[]> ring_;
  uint64_t taken_ = 0;
  uint64_t filled_ = 0;

  std::atomic<int64_t> readNs_{0};
  /** How long JavaScript may be away. */
  std::atomic<int64_t> windowNs_;
  std::atomic<int> count_{0};
  std::atomic<uint64_t> spilled_{0};

  // Of JavaScript's thread.
  int leastBufferBytes_ = std::numeric_limits<int>::max();
  double bytesPerNs_ = 0;
};

}  // namespace tributary
