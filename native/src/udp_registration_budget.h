#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <unordered_set>

#include "udp_options.h"

namespace tributary {

/**
 * Which SRTLA registration packets are worth JavaScript's time. Token buckets, in a table of fixed size, by IPv4 address or IPv6 /64, and
 * one for everybody together; a source over its own budget takes nothing from the others'. REG2 with the id of a group that lives has
 * a looser budget of its own, so that links join and come back beside a flood. The rates are JavaScript's.
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
  static constexpr int kRows = 4'096;
  static constexpr int kProbes = 4;

  struct Row {
    /** 0: nobody has taken it yet. */
    uint64_t source = 0;
    double tokens = 0;
    int64_t refilledNs = 0;
  };
  struct Bucket {
    double burst;
    double perNs;
  };

  /** Eight bytes of our own half: unguessable. */
  static uint64_t keyOf(const uint8_t* id);
  uint64_t sourceOf(const in6_addr& remote, bool joins) const;
  Row& rowOf(uint64_t source, const Bucket& bucket, int64_t nowNs);
  /** What the row holds now. */
  static double level(const Row& row, const Bucket& bucket, int64_t nowNs);
  static bool take(Row& row, const Bucket& bucket, int64_t nowNs);

  const Bucket answers_;
  const Bucket joins_;
  const Bucket everybody_;
  Row all_;
  std::array<Row, kRows> rows_{};
  std::unordered_set<uint64_t> known_;
  /** Nobody outside can choose addresses that share a row. */
  uint64_t seed_[2];
};

}  // namespace tributary
