#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <unordered_set>

#include "token_table.h"
#include "udp_options.h"

namespace tributary {

/**
 * Which SRTLA registration packets are worth JavaScript's time. Token buckets by IPv4 address or IPv6 /64, and one for everybody together;
 * a source over its own budget takes nothing from the others'. REG2 with the id of a group that lives has a looser budget of its own, so
 * that links join and come back beside a flood. The rates are JavaScript's.
 *
 * ```
 * REG1, REG2: 258 bytes   0 u16 0x9200 or 0x9201   2 128 bytes of the sender   130 128 bytes of ours
 * ```
 */
class UdpRegistrationBudget {
 public:
  explicit UdpRegistrationBudget(const UdpRegistrationRates& rates);

  static bool isRegistration(const uint8_t* datagram, uint32_t bytes) {
    return bytes == kRegistrationBytes && datagram[0] == 0x92 && datagram[1] <= 1;
  }

  /** Whether this REG1 or REG2 may pass. `remote`: IPv4 mapped into IPv6. */
  bool admits(const uint8_t* datagram, const in6_addr& remote, int64_t nowNs);
  /** A group lives under this id of `kGroupIdBytes`. */
  void know(const uint8_t* id) { known_.insert(keyOf(id)); }
  void forget(const uint8_t* id) { known_.erase(keyOf(id)); }

  static constexpr uint32_t kGroupIdBytes = 256;

 private:
  static constexpr uint32_t kRegistrationBytes = 2 + kGroupIdBytes;

  /** Eight bytes of our own half: unguessable. */
  static uint64_t keyOf(const uint8_t* id);
  uint64_t sourceOf(const in6_addr& remote) const;
  /** What everybody together may have now. */
  bool isSpent(int64_t nowNs);

  TokenTable answers_;
  TokenTable joins_;
  const double everybodyBurst_;
  const double everybodyPerSecond_;
  double everybody_;
  int64_t refilledNs_ = 0;
  std::unordered_set<uint64_t> known_;
  /** Nobody outside can choose addresses that share a bucket. */
  uint64_t seed_[2];
};

}  // namespace tributary
