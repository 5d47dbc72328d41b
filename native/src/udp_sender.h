#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <vector>

#include "udp_counters.h"
#include "udp_peers.h"
#include "udp_slots.h"
#include "udp_socket.h"

namespace tributary {

/**
 * Sends the entries of the send table: for each socket in the order in which they were written, with sendmmsg, and towards the server
 * datagrams of equal size to one destination as one segmented run (UDP_SEGMENT). Where the kernel refuses segmentation it is given up for
 * good.
 */
class UdpSender {
 public:
  UdpSender(std::shared_ptr<UdpSlots> slots, const UdpPeers& peers, UdpCounters& counters, bool segmentation);

  /** `sockets`: by number; closed ones are null. An entry is for a peer, or for connected socket `-1 - entry`. */
  void flush(int count, const std::vector<std::unique_ptr<UdpSocket>>& sockets);
  bool segments() const { return segmentation_; }

 private:
  static constexpr int kMessages = 64;
  static constexpr int kMostSegments = 48;
  static constexpr int kMostRunBytes = 65'507;

  /** Room for an address of ours and a segment size. */
  struct alignas(cmsghdr) Control {
    char bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
  };

  /** Its socket, or -1 where the entry makes no sense. */
  int socketOf(int entry, const std::vector<std::unique_ptr<UdpSocket>>& sockets) const;
  void chain(int count, const std::vector<std::unique_ptr<UdpSocket>>& sockets);
  void sendChain(const UdpSocket& socket, int first);
  /** Whether `entry` may join the last message. */
  bool continues(const UdpSocket& socket, int entry) const;
  void begin(const UdpSocket& socket, int entry);
  void append(int entry);
  void submit(const UdpSocket& socket);
  /** The pieces of a message one by one. */
  void sendSingly(const UdpSocket& socket, const mmsghdr& message);
  /** Counts a failure; true when the same message is worth another try. */
  bool failed(const UdpSocket& socket, int error, size_t datagrams);

  const std::shared_ptr<UdpSlots> slots_;
  const UdpPeers& peers_;
  UdpCounters& counters_;
  bool segmentation_;

  /** The entries of each socket as a chain through the table; -1 ends it. */
  std::vector<int> next_;
  std::vector<int> heads_;
  std::vector<int> tails_;
  std::vector<int> touched_;

  int messages_ = 0;
  size_t pieceCount_ = 0;
  // Of the last message.
  int runTo_ = 0;
  int runSize_ = 0;
  int runBytes_ = 0;
  bool runEnded_ = false;
  std::array<mmsghdr, kMessages> headers_{};
  std::array<iovec, kMessages * kMostSegments> pieces_{};
  std::array<sockaddr_in6, kMessages> names_{};
  std::array<Control, kMessages> controls_{};
};

}  // namespace tributary
