#include "udp_transport.h"

#include <cerrno>
#include <utility>

#include "udp_failure.h"

namespace tributary {
namespace {

/** Registrations over budget that are read past in one turn. */
constexpr int kMostDropped = 2'048;

in6_addr addressOf(const std::string& host) {
  Address address;
  if (!Address::parse(host, 0, address)) throw UdpFailure("address " + host, EINVAL);
  if (address.isV6) return reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr;
  return mapV4(reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr);
}

}  // namespace

UdpTransport::UdpTransport(const UdpOptions& options, std::function<void()> wake)
    : slots_(std::make_shared<UdpSlots>(options)),
      receiver_(slots_, peers_, counters_, options.registrations),
      sender_(slots_, peers_, counters_, options.segmentation),
      poller_(options.paces, options.busyPacketsPerSecond, spill_, std::move(wake)) {}

int UdpTransport::bind(const UdpBindOptions& options) { return add(UdpSocket::bind(options)); }
int UdpTransport::connect(const UdpConnectOptions& options) { return add(UdpSocket::connect(options)); }

const UdpSocket* UdpTransport::socket(int number) const {
  return number >= 0 && static_cast<size_t>(number) < sockets_.size() ? sockets_[number].get() : nullptr;
}

int UdpTransport::add(UdpSocket socket) {
  if (freeNumbers_.empty() && sockets_.size() >= kMostUdpSockets) throw UdpFailure("socket", EMFILE);
  int number = static_cast<int>(sockets_.size());
  if (freeNumbers_.empty()) {
    sockets_.emplace_back();
    emptyNs_.push_back(0);
    hasTurn_.push_back(0);
  } else {
    number = freeNumbers_.back();
    freeNumbers_.pop_back();
  }
  emptyNs_[number] = monotonicNs();
  sockets_[number] = std::make_unique<UdpSocket>(std::move(socket));
  try {
    poller_.add(sockets_[number]->descriptor(), number);
  } catch (const UdpFailure&) {
    sockets_[number].reset();
    freeNumbers_.push_back(number);
    throw;
  }
  const UdpSocket& added = *sockets_[number];
  // Of the server's there are few datagrams, and libsrt sends again what is lost of them.
  if (!added.towardsServer()) spill_.add(added.descriptor(), number, 2 * added.receiveBufferBytes());
  return number;
}

void UdpTransport::close(int number) {
  const UdpSocket* gone = socket(number);
  if (gone == nullptr) return;
  (gone->towardsServer() ? closedServerDrops_ : closedLinkDrops_) += static_cast<double>(gone->kernelDrops());
  poller_.remove(gone->descriptor());
  spill_.remove(number);
  // Links know their socket by its number: a later one must not be taken for it.
  if (gone->towardsServer()) closedNumbers_.push_back(number);
  sockets_[number].reset();
}

int UdpTransport::peer(int number, const std::string& host, int port, const std::string& localHost) {
  const UdpSocket* used = socket(number);
  if (used == nullptr || used->isConnected()) throw UdpFailure("peer of socket " + std::to_string(number), ENOTSOCK);
  PeerKey key;
  key.remote = addressOf(host);
  if (!localHost.empty()) key.local = addressOf(localHost);
  key.port = htons(static_cast<uint16_t>(port));
  key.socket = static_cast<uint16_t>(number);
  const int peer = peers_.find(key);
  peers_.hold(peer);
  return peer;
}

int UdpTransport::receive(double nowMs) {
  freeNumbers_.insert(freeNumbers_.end(), closedNumbers_.begin(), closedNumbers_.end());
  closedNumbers_.clear();
  const size_t before = turns_.size();
  poller_.takeReady(turns_);
  // Those that still had their turn are not to have another.
  size_t kept = before;
  for (size_t i = before; i < turns_.size(); i++) {
    const int number = turns_[i];
    if (static_cast<size_t>(number) >= hasTurn_.size() || hasTurn_[number]) continue;
    hasTurn_[number] = 1;
    turns_[kept++] = number;
  }
  turns_.resize(kept);
  const auto reading = spill_.lock();
  if (turns_.empty() && spill_.isEmpty()) return 0;
  receiver_.begin(nowMs);
  int filled = 0;
  takeSpilled(filled);
  int dropped = receiver_.takeDropped();
  // However fast a flood comes, JavaScript gets its turn.
  while (!turns_.empty() && filled < slots_->count() && dropped < kMostDropped) {
    nextTurns_.clear();
    for (const int number : turns_) readInTurn(number, filled);
    turns_.swap(nextTurns_);
    dropped += receiver_.takeDropped();
  }
  readSinceRearm_ += filled + dropped;
  return filled;
}

void UdpTransport::takeSpilled(int& filled) {
  while (filled < slots_->count()) {
    const SpilledDatagram* next = spill_.take();
    if (next == nullptr) return;
    const UdpSocket* from = socket(next->socket);
    // Its socket may have been closed since.
    if (from != nullptr && receiver_.put(*from, *next, filled, emptyNs_[next->socket])) filled++;
  }
}

/** One batch of a socket that has its turn; whether it gets another one shows in `nextTurns_`. */
void UdpTransport::readInTurn(int number, int& filled) {
  const UdpSocket* used = socket(number);
  bool isEmpty = used == nullptr;
  if (used != nullptr) {
    filled += receiver_.read(*used, number, filled, emptyNs_[number], isEmpty);
    if (isEmpty) emptyNs_[number] = receiver_.nowNs();
  }
  if (isEmpty) hasTurn_[number] = 0;
  else nextTurns_.push_back(number);
}

UdpPoller::Next UdpTransport::rearm() {
  // What did not fit into the slots brings no further edge.
  if (!turns_.empty() || !spill_.isEmpty()) return UdpPoller::more;
  const int datagrams = std::exchange(readSinceRearm_, 0);
  spill_.noteRead(datagrams, monotonicNs());
  return poller_.rearm(datagrams);
}

const UdpCounters& UdpTransport::counters() {
  receiver_.observeClocks();
  counters_.linkKernelDrops = closedLinkDrops_;
  counters_.serverKernelDrops = closedServerDrops_;
  for (const auto& socket : sockets_) {
    if (!socket) continue;
    (socket->towardsServer() ? counters_.serverKernelDrops : counters_.linkKernelDrops) +=
        static_cast<double>(socket->kernelDrops());
  }
  counters_.wakeups = poller_.wakeups();
  counters_.spilledDatagrams = spill_.datagrams();
  counters_.spilledWaiting = spill_.waiting();
  return counters_;
}

}  // namespace tributary
