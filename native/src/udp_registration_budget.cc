#include "udp_registration_budget.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "mix.h"

namespace tributary {

UdpRegistrationBudget::UdpRegistrationBudget(const UdpRegistrationRates& rates)
    : answers_(rates.sourceBurst, rates.sourcePerSecond),
      joins_(rates.joinSourceBurst, rates.joinSourcePerSecond),
      everybodyBurst_(rates.everybodyBurst),
      everybodyPerSecond_(rates.everybodyPerSecond),
      everybody_(rates.everybodyBurst) {
  if (getrandom(seed_, sizeof seed_, 0) != sizeof seed_) {
    seed_[0] = reinterpret_cast<uintptr_t>(this);
    seed_[1] = 0x9e3779b97f4a7c15ULL;
  }
  seed_[0] |= 1;
  seed_[1] |= 1;
}

bool UdpRegistrationBudget::admits(const uint8_t* datagram, const in6_addr& remote, int64_t nowNs) {
  const uint64_t source = sourceOf(remote);
  if (datagram[1] == 1 && known_.count(keyOf(datagram + 2)) != 0) return joins_.take(source, nowNs);
  if (isSpent(nowNs) || !answers_.take(source, nowNs)) return false;
  everybody_ -= 1;
  return true;
}

bool UdpRegistrationBudget::isSpent(int64_t nowNs) {
  const auto elapsedNs = static_cast<double>(std::max<int64_t>(0, nowNs - refilledNs_));
  everybody_ = std::min(everybodyBurst_, everybody_ + elapsedNs * everybodyPerSecond_ / 1e9);
  refilledNs_ = nowNs;
  return everybody_ < 1;
}

uint64_t UdpRegistrationBudget::keyOf(const uint8_t* id) {
  uint64_t key;
  std::memcpy(&key, id + kGroupIdBytes / 2, sizeof key);
  return key;
}

uint64_t UdpRegistrationBudget::sourceOf(const in6_addr& remote) const {
  uint64_t halves[2];
  std::memcpy(halves, &remote, sizeof halves);
  // Of IPv6 the /64 counts; an IPv4 address is in the other half.
  if (!IN6_IS_ADDR_V4MAPPED(&remote)) halves[1] = 0;
  return mix(mix(halves[0] ^ seed_[0], seed_[1]) ^ halves[1], seed_[0]) | 1;
}

}  // namespace tributary
