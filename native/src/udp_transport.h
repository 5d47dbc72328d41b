#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "udp_counters.h"
#include "udp_options.h"
#include "udp_peers.h"
#include "udp_poller.h"
#include "udp_receiver.h"
#include "udp_sender.h"
#include "udp_slots.h"
#include "udp_socket.h"

namespace tributary {

/**
 * Sockets, peers, batches out and in of one environment; knows nothing of Node. All of it belongs to JavaScript's thread; beside it there
 * is the poller's, which reads and writes nothing.
 */
class UdpTransport {
 public:
  /** `wake` is called on the poller's thread, gated. @throws UdpFailure */
  UdpTransport(const UdpOptions& options, std::function<void()> wake);

  /** Number of the new socket. @throws UdpFailure */
  int bind(const UdpBindOptions& options);
  int connect(const UdpConnectOptions& options);
  /** Null when there is none. */
  const UdpSocket* socket(int number) const;
  /** The number of a link's socket is not given again, that of another one not before the next `receive`. */
  void close(int number);

  UdpPeers& peers() { return peers_; }
  /** Null where every registration passes. */
  UdpRegistrationBudget* registrations() { return receiver_.registrations(); }
  /** Held from the start. @throws UdpFailure when an address is not one, or there is no such unconnected socket */
  int peer(int socket, const std::string& host, int port, const std::string& localHost);

  /** Fills slots; returns how many. 0 = nothing left. */
  int receive(double nowMs);
  void flush(int count) { sender_.flush(count, sockets_); }
  UdpPoller::Next rearm();
  bool segments() const { return sender_.segments(); }
  /** Ask for them about once a second: then a jump of the wall clock is noticed, too. */
  const UdpCounters& counters();
  const std::shared_ptr<UdpSlots>& slots() const { return slots_; }
  /** Ends the thread. Safe twice. */
  void shutdown() { poller_.stop(); }

 private:
  int add(UdpSocket socket);
  void readInTurn(int number, int& filled);
  /** What was read while JavaScript was away. */
  void takeSpilled(int& filled);

  const std::shared_ptr<UdpSlots> slots_;
  UdpCounters counters_;
  UdpPeers peers_;
  UdpReceiver receiver_;
  UdpSender sender_;
  UdpSpill spill_;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  /** When each was last seen empty, monotonic nanoseconds. */
  std::vector<int64_t> emptyNs_;
  std::vector<int> freeNumbers_;
  std::vector<int> closedNumbers_;
  /** Sockets that may have more, in turn. */
  std::vector<int> turns_;
  std::vector<int> nextTurns_;
  std::vector<char> hasTurn_;
  int readSinceRearm_ = 0;
  double closedLinkDrops_ = 0;
  double closedServerDrops_ = 0;
  /** The last to be made and the first to go: its thread uses nothing of the rest, but `wake` may. */
  UdpPoller poller_;
};

}  // namespace tributary
