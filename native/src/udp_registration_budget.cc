#include "udp_registration_budget.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

namespace tributary {
namespace {

constexpr double kSecondNs = 1e9;

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

UdpRegistrationBudget::UdpRegistrationBudget(const UdpRegistrationRates& rates)
    : answers_{double(rates.sourceBurst), rates.sourcePerSecond / kSecondNs},
      joins_{double(rates.joinSourceBurst), rates.joinSourcePerSecond / kSecondNs},
      everybody_{double(rates.everybodyPerSecond), rates.everybodyPerSecond / kSecondNs} {
  if (getrandom(seed_, sizeof seed_, 0) != sizeof seed_) {
    seed_[0] = reinterpret_cast<uintptr_t>(this);
    seed_[1] = 0x9e3779b97f4a7c15ULL;
  }
  seed_[0] |= 1;
  seed_[1] |= 1;
  all_.tokens = everybody_.burst;
}

bool UdpRegistrationBudget::admits(const uint8_t* datagram, const in6_addr& remote, int64_t nowNs) {
  const bool joins = datagram[1] == 1 && known_.count(keyOf(datagram + 2)) != 0;
  const Bucket& bucket = joins ? joins_ : answers_;
  if (!joins && level(all_, everybody_, nowNs) < 1) return false;
  if (!take(rowOf(sourceOf(remote, joins), bucket, nowNs), bucket, nowNs)) return false;
  return joins || take(all_, everybody_, nowNs);
}

uint64_t UdpRegistrationBudget::keyOf(const uint8_t* id) {
  uint64_t key;
  std::memcpy(&key, id + kGroupIdBytes / 2, sizeof key);
  return key;
}

uint64_t UdpRegistrationBudget::sourceOf(const in6_addr& remote, bool joins) const {
  uint64_t halves[2];
  std::memcpy(halves, &remote, sizeof halves);
  // Of IPv6 the /64 counts; an IPv4 address is in the other half.
  if (!IN6_IS_ADDR_V4MAPPED(&remote)) halves[1] = 0;
  const uint64_t mixed = mix(mix(halves[0] ^ seed_[0], seed_[1]) ^ halves[1], seed_[0]);
  // The last bit tells the two kinds of bucket apart, the one before it keeps the key from being 0.
  return (mixed & ~uint64_t{3}) | 2 | static_cast<uint64_t>(joins);
}

UdpRegistrationBudget::Row& UdpRegistrationBudget::rowOf(uint64_t source, const Bucket& bucket, int64_t nowNs) {
  const uint64_t home = source >> 32;
  Row* free = nullptr;
  for (uint64_t probe = 0; probe < kProbes; probe++) {
    Row& row = rows_[(home + probe) % kRows];
    if (row.source == source) return row;
    const Bucket& other = (row.source & 1) != 0 ? joins_ : answers_;
    if (free == nullptr && (row.source == 0 || level(row, other, nowNs) >= other.burst)) free = &row;
  }
  // Where the table is full, sources share.
  if (free == nullptr) return rows_[home % kRows];
  *free = Row{source, bucket.burst, nowNs};
  return *free;
}

double UdpRegistrationBudget::level(const Row& row, const Bucket& bucket, int64_t nowNs) {
  const auto elapsedNs = static_cast<double>(std::max<int64_t>(0, nowNs - row.refilledNs));
  return std::min(bucket.burst, row.tokens + elapsedNs * bucket.perNs);
}

bool UdpRegistrationBudget::take(Row& row, const Bucket& bucket, int64_t nowNs) {
  const double tokens = level(row, bucket, nowNs);
  if (tokens < 1) return false;
  row.tokens = tokens - 1;
  row.refilledNs = nowNs;
  return true;
}

}  // namespace tributary
