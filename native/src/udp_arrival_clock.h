#pragma once

#include <cstdint>
#include <ctime>

namespace tributary {

constexpr int64_t kSecondNs = 1'000'000'000;

/**
 * Maps the kernel's receive times, which are of the wall clock, to the caller's monotonic clock. The two clocks are compared anew for
 * each batch. Where the wall clock has jumped since the last comparison, the batch has arrived now, as far as anybody knows; and no
 * datagram arrived after now, or before its socket was found empty the last time.
 */
class UdpArrivalClock {
 public:
  UdpArrivalClock();
  /** A batch begins; it is `nowMs` on the caller's clock. */
  void begin(double nowMs);
  /** Compares the clocks without a batch: the more often this happens, the smaller the jumps that it sees. */
  void observe();
  /** Milliseconds on the caller's clock. `emptyNs`: when the socket was last seen empty, by `nowNs()`. */
  double arrivalMs(const timespec& wall, int64_t emptyNs) const;
  double nowMs() const { return nowMs_; }
  /** Of the monotonic clock, at the begin of the batch. */
  int64_t nowNs() const { return nowNs_; }

 private:
  double nowMs_ = 0;
  int64_t nowNs_ = 0;
  int64_t wallNs_ = 0;
  bool hasJumped_ = false;
  bool isTrusted_ = false;
};

int64_t monotonicNs();

}  // namespace tributary
