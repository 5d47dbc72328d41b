#include "udp_peers.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "mix.h"

namespace tributary {
namespace {

std::string text(const in6_addr& address) {
  char out[INET6_ADDRSTRLEN] = "";
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return out;
  if (isMappedV4(address)) inet_ntop(AF_INET, &address.s6_addr[12], out, sizeof out);
  else inet_ntop(AF_INET6, &address, out, sizeof out);
  return out;
}

}  // namespace

bool PeerKey::operator==(const PeerKey& other) const { return std::memcmp(this, &other, sizeof *this) == 0; }

UdpPeers::UdpPeers() : entries_(kTransientPeers), ring_(kTransientPeers), table_(4 * kTransientPeers, -1) {
  for (int i = 0; i < kTransientPeers; i++) ring_[i] = entries_[i].ringIndex = i;
  if (getrandom(seed_, sizeof seed_, 0) != sizeof seed_) {
    seed_[0] = reinterpret_cast<uintptr_t>(this);
    seed_[1] = 0x9e3779b97f4a7c15ULL;
  }
  seed_[0] |= 1;
  seed_[1] |= 1;
}

int UdpPeers::find(const PeerKey& key) {
  const int known = table_[place(key)];
  if (known >= 0) {
    renew(known);
    return known;
  }
  const int peer = ring_[next_];
  next_ = (next_ + 1) % kTransientPeers;
  forget(peer);
  entries_[peer].key = key;
  learn(peer);
  return peer;
}

/** A transient number whose turn comes soon moves to the end of the ring: it must last for the batch. */
void UdpPeers::renew(int peer) {
  const int at = entries_[peer].ringIndex;
  if (at < 0 || (at - next_ + kTransientPeers) % kTransientPeers >= kTransientPeers / 2) return;
  const int oldest = ring_[next_];
  std::swap(ring_[at], ring_[next_]);
  entries_[oldest].ringIndex = at;
  entries_[peer].ringIndex = next_;
  next_ = (next_ + 1) % kTransientPeers;
}

void UdpPeers::hold(int peer) {
  if (entries_[peer].isHeld) return;
  const int ringIndex = entries_[peer].ringIndex;
  // Without a place in the ring it was released in this batch, and waits among the free ones.
  if (ringIndex >= 0) ring_[ringIndex] = spare(ringIndex);
  else free_.erase(std::remove(free_.begin(), free_.end(), peer), free_.end());
  entries_[peer].isHeld = true;
  entries_[peer].ringIndex = -1;
  heldCount_++;
  learn(peer);
}

void UdpPeers::release(int peer) {
  Entry& entry = entries_[peer];
  if (!entry.isHeld) return;
  entry.isHeld = false;
  heldCount_--;
  forget(peer);
  free_.push_back(peer);
}

std::string UdpPeers::address(int peer) const { return text(entries_[peer].key.remote); }
std::string UdpPeers::localAddress(int peer) const { return text(entries_[peer].key.local); }

size_t UdpPeers::hash(const PeerKey& key) const {
  uint64_t words[5];
  std::memcpy(words, &key, sizeof words);
  uint64_t result = mix(words[0] ^ seed_[0], words[1] ^ seed_[1]);
  result = mix(result ^ words[2] ^ seed_[0], words[3] ^ seed_[1]);
  return mix(result ^ words[4], seed_[0]);
}

size_t UdpPeers::place(const PeerKey& key) const {
  const size_t mask = table_.size() - 1;
  size_t at = hash(key) & mask;
  while (table_[at] >= 0 && !(entries_[table_[at]].key == key)) at = (at + 1) & mask;
  return at;
}

void UdpPeers::learn(int peer) {
  if (entries_[peer].isKnown) return;
  if (2 * (knownCount_ + 1) > table_.size()) grow();
  const size_t at = place(entries_[peer].key);
  // Known under another number already: that one stays.
  if (table_[at] >= 0) return;
  table_[at] = peer;
  entries_[peer].isKnown = true;
  knownCount_++;
}

void UdpPeers::forget(int peer) {
  if (!entries_[peer].isKnown) return;
  const size_t mask = table_.size() - 1;
  size_t hole = place(entries_[peer].key);
  // Those behind it move up, so that no search ends too early.
  for (size_t at = (hole + 1) & mask; table_[at] >= 0; at = (at + 1) & mask) {
    const size_t home = hash(entries_[table_[at]].key) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = -1;
  entries_[peer].isKnown = false;
  knownCount_--;
}

void UdpPeers::grow() {
  table_.assign(2 * table_.size(), -1);
  for (size_t peer = 0; peer < entries_.size(); peer++)
    if (entries_[peer].isKnown) table_[place(entries_[peer].key)] = static_cast<int>(peer);
}

/** A number that takes the held one's place in the ring. */
int UdpPeers::spare(int ringIndex) {
  int peer = static_cast<int>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    peer = free_.back();
    free_.pop_back();
  }
  entries_[peer].ringIndex = ringIndex;
  return peer;
}

socklen_t writeAddress(const PeerKey& key, bool isV6, sockaddr_in6& out) {
  if (isV6) {
    out = sockaddr_in6{};
    out.sin6_family = AF_INET6;
    out.sin6_port = key.port;
    out.sin6_addr = key.remote;
    out.sin6_scope_id = key.scope;
    return sizeof(sockaddr_in6);
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(out);
  v4 = sockaddr_in{};
  v4.sin_family = AF_INET;
  v4.sin_port = key.port;
  std::memcpy(&v4.sin_addr, &key.remote.s6_addr[12], sizeof v4.sin_addr);
  return sizeof(sockaddr_in);
}

in6_addr mapV4(in_addr address) {
  in6_addr mapped{};
  mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
  std::memcpy(&mapped.s6_addr[12], &address, sizeof address);
  return mapped;
}

bool isMappedV4(const in6_addr& address) { return IN6_IS_ADDR_V4MAPPED(&address); }

}  // namespace tributary
