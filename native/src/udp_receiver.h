#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "udp_arrival_clock.h"
#include "udp_counters.h"
#include "udp_peers.h"
#include "udp_registration_budget.h"
#include "udp_slots.h"
#include "udp_socket.h"
#include "udp_spill.h"

namespace tributary {

/** Datagrams in one system call. */
constexpr int kUdpBatch = 64;

/** Fills slots from one socket at a time: recvmmsg, straight into the arena. */
class UdpReceiver {
 public:
  UdpReceiver(std::shared_ptr<UdpSlots> slots, UdpPeers& peers, UdpCounters& counters,
              const std::optional<UdpRegistrationRates>& registrations);

  void begin(double nowMs) { clock_.begin(nowMs); }
  void observeClocks() { clock_.observe(); }
  int64_t nowNs() const { return clock_.nowNs(); }
  /**
   * Reads up to `kUdpBatch` datagrams of `socket` into the slots from `first` on. Returns how many were kept: registrations over budget
   * are not. `isEmpty` tells whether there was nothing more; `emptyNs` is when that was so before.
   */
  int read(const UdpSocket& socket, int number, int first, int64_t emptyNs, bool& isEmpty);
  /** Puts one that was read before into `slot`; `emptyNs` as above. False: it is dropped. */
  bool put(const UdpSocket& socket, const SpilledDatagram& datagram, int slot, int64_t emptyNs);
  /** Null where every registration passes. */
  UdpRegistrationBudget* registrations() { return registrations_.get(); }
  /** How many have been dropped since it was asked last. */
  int takeDropped() { return std::exchange(dropped_, 0); }

 private:
  void prepare(const UdpSocket& socket, int first, int count);
  /** What came in `index` of the batch, into `slot`. False: it is dropped, and the slot free for the next one. */
  bool take(const UdpSocket& socket, int number, int index, int first, int slot, int64_t emptyNs);
  /** False: a registration over budget. */
  bool describe(const UdpSocket& socket, int number, const mmsghdr& message, int slot, int64_t emptyNs);
  void fail(const UdpSocket& socket, int error);

  const std::shared_ptr<UdpSlots> slots_;
  UdpPeers& peers_;
  UdpCounters& counters_;
  UdpArrivalClock clock_;
  const std::unique_ptr<UdpRegistrationBudget> registrations_;
  int dropped_ = 0;
  std::array<mmsghdr, kUdpBatch> headers_{};
  std::array<iovec, kUdpBatch> pieces_{};
  std::array<sockaddr_in6, kUdpBatch> names_{};
  std::array<UdpControl, kUdpBatch> controls_{};
};

}  // namespace tributary
