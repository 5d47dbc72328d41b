#include "udp_arrival_clock.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace tributary {
namespace {

constexpr double kMilliNs = 1e6;
/** The clocks part by this at once, or by a thousandth of the time: more is a jump, not somebody setting the pace right. */
constexpr int64_t kJumpNs = 1'000'000;
constexpr int64_t kSlew = 1'000;
/** Two readings of a clock are a fraction of a microsecond apart. */
constexpr int64_t kHeldUpNs = 2'000;
constexpr int kTries = 5;

int64_t readClock(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * kSecondNs + time.tv_nsec;
}

}  // namespace

int64_t monotonicNs() { return readClock(CLOCK_MONOTONIC); }

UdpArrivalClock::UdpArrivalClock() {
  observe();
  hasJumped_ = false;
}

void UdpArrivalClock::begin(double nowMs) {
  observe();
  nowMs_ = nowMs;
  isTrusted_ = !hasJumped_;
  hasJumped_ = false;
}

void UdpArrivalClock::observe() {
  int64_t nowNs = 0;
  int64_t wallNs = 0;
  // Held up between two readings, the clocks would seem to have parted.
  for (int64_t tries = 0, gapNs = std::numeric_limits<int64_t>::max(); tries < kTries && gapNs > kHeldUpNs; tries++) {
    const int64_t beforeNs = readClock(CLOCK_MONOTONIC);
    const int64_t readNs = readClock(CLOCK_REALTIME);
    const int64_t triedNs = readClock(CLOCK_MONOTONIC) - beforeNs;
    if (triedNs >= gapNs) continue;
    gapNs = triedNs;
    nowNs = beforeNs;
    wallNs = readNs;
  }
  const int64_t elapsed = nowNs - nowNs_;
  if (std::llabs(wallNs - wallNs_ - elapsed) > kJumpNs + elapsed / kSlew) hasJumped_ = true;
  nowNs_ = nowNs;
  wallNs_ = wallNs;
}

double UdpArrivalClock::arrivalMs(const timespec& wall, int64_t emptyNs) const {
  if (!isTrusted_) return nowMs_;
  const int64_t ageNs = wallNs_ - (wall.tv_sec * kSecondNs + wall.tv_nsec);
  const int64_t oldestNs = std::max<int64_t>(0, nowNs_ - emptyNs);
  return nowMs_ - static_cast<double>(std::clamp<int64_t>(ageNs, 0, oldestNs)) / kMilliNs;
}

}  // namespace tributary
