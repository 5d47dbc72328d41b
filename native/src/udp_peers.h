#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <vector>

#include "udp_socket.h"

namespace tributary {

/** Who speaks to us, and to which of our addresses. IPv4 addresses are mapped into IPv6. Compared and hashed as bytes: no padding. */
struct PeerKey {
  in6_addr remote{};
  /** Zero where the socket has only one address. */
  in6_addr local{};
  /** Interface of a link-local address, else 0. */
  uint32_t scope = 0;
  /** Network byte order. */
  uint16_t port = 0;
  uint16_t socket = 0;

  bool operator==(const PeerKey& other) const;
};
static_assert(sizeof(PeerKey) == 40, "no padding");

/** Unregistered sources that are known at once: more than one batch can bring. */
constexpr int kTransientPeers = 4'096;

/**
 * Numbers for peers. Held ones keep theirs until they are released. All others share a ring of `kTransientPeers`, so that a flood from any
 * number of addresses takes no memory; a number is good for the batch in which it appears. The same source has the same number as
 * long as it is known.
 */
class UdpPeers {
 public:
  UdpPeers();

  /** The number of a source: its own where it is known, else the next of the ring. */
  int find(const PeerKey& key);
  bool isValid(int peer) const { return peer >= 0 && static_cast<size_t>(peer) < entries_.size(); }
  void hold(int peer);
  void release(int peer);
  int heldCount() const { return heldCount_; }

  const PeerKey& key(int peer) const { return entries_[peer].key; }
  std::string address(int peer) const;
  /** Of ours; empty where the socket has only one. */
  std::string localAddress(int peer) const;

 private:
  struct Entry {
    PeerKey key;
    bool isKnown = false;
    bool isHeld = false;
    /** Where in the ring it is; -1 for held and free ones. */
    int ringIndex = -1;
  };

  size_t hash(const PeerKey& key) const;
  /** Its place in the table, or the empty one where it belongs. */
  size_t place(const PeerKey& key) const;
  void renew(int peer);
  void learn(int peer);
  void forget(int peer);
  void grow();
  int spare(int ringIndex);

  std::vector<Entry> entries_;
  std::vector<int> ring_;
  std::vector<int> free_;
  /** Open addressing with linear probing; -1 = empty. A power of two, at most half full. */
  std::vector<int> table_;
  size_t knownCount_ = 0;
  int next_ = 0;
  int heldCount_ = 0;
  /** Nobody outside can choose addresses that collide. */
  uint64_t seed_[2];
};

/** As the system takes it, for a socket of this family; returns its length. */
socklen_t writeAddress(const PeerKey& key, bool isV6, sockaddr_in6& out);
in6_addr mapV4(in_addr address);
bool isMappedV4(const in6_addr& address);

}  // namespace tributary
