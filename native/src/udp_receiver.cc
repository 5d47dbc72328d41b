#include "udp_receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tributary {
namespace {

/** Errors of earlier sends that a socket may report before it gives what it has received. */
constexpr int kMostErrors = 16;

/** Where a control message has its content. */
template <typename T>
bool readControl(const cmsghdr& control, T& out) {
  if (control.cmsg_len < CMSG_LEN(sizeof out)) return false;
  std::memcpy(&out, CMSG_DATA(&control), sizeof out);
  return true;
}

}  // namespace

UdpReceiver::UdpReceiver(std::shared_ptr<UdpSlots> slots, UdpPeers& peers, UdpCounters& counters,
                         const std::optional<UdpRegistrationRates>& registrations)
    : slots_(std::move(slots)),
      peers_(peers),
      counters_(counters),
      registrations_(registrations ? std::make_unique<UdpRegistrationBudget>(*registrations) : nullptr) {
  for (int i = 0; i < kUdpBatch; i++) {
    pieces_[i].iov_len = kUdpSlotBytes;
    headers_[i].msg_hdr.msg_iov = &pieces_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
}

int UdpReceiver::read(const UdpSocket& socket, int number, int first, int64_t emptyNs, bool& isEmpty) {
  const int room = std::min(kUdpBatch, slots_->count() - first);
  isEmpty = false;
  if (room <= 0) return 0;
  int got = -1;
  for (int tries = 0; got < 0; tries++) {
    prepare(socket, first, room);
    counters_.receiveCalls++;
    got = recvmmsg(socket.descriptor(), headers_.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
    if (got >= 0) break;
    const int error = errno;
    if (error == EINTR) continue;
    // Only a connected socket hears of earlier failures; its datagrams are behind them.
    isEmpty = error == EAGAIN || error == EWOULDBLOCK || tries >= kMostErrors;
    if (error != EAGAIN && error != EWOULDBLOCK) fail(socket, error);
    if (isEmpty) return 0;
  }
  int kept = 0;
  for (int i = 0; i < got; i++) kept += take(socket, number, i, first, first + kept, emptyNs);
  dropped_ += got - kept;
  counters_.receivedDatagrams += got;
  // On a connected socket an error may have cut the batch short.
  isEmpty = got < room && !socket.isConnected();
  return kept;
}

bool UdpReceiver::put(const UdpSocket& socket, const SpilledDatagram& datagram, int slot, int64_t emptyNs) {
  iovec piece{const_cast<uint8_t*>(datagram.bytes), datagram.length};
  mmsghdr message{};
  message.msg_len = datagram.length;
  message.msg_hdr.msg_name = const_cast<sockaddr_in6*>(&datagram.name);
  message.msg_hdr.msg_namelen = datagram.nameBytes;
  message.msg_hdr.msg_iov = &piece;
  message.msg_hdr.msg_iovlen = 1;
  message.msg_hdr.msg_control = const_cast<char*>(datagram.control.bytes);
  message.msg_hdr.msg_controllen = datagram.controlBytes;
  counters_.receivedDatagrams++;
  if (!describe(socket, datagram.socket, message, slot, emptyNs)) {
    dropped_++;
    return false;
  }
  std::memcpy(slots_->arena() + kUdpSlotBytes * slot, datagram.bytes, datagram.length);
  slots_->lengths()[slot] = static_cast<int32_t>(datagram.length);
  return true;
}

void UdpReceiver::prepare(const UdpSocket& socket, int first, int count) {
  const bool named = !socket.isConnected();
  for (int i = 0; i < count; i++) {
    msghdr& header = headers_[i].msg_hdr;
    pieces_[i].iov_base = slots_->arena() + kUdpSlotBytes * (first + i);
    header.msg_name = named ? &names_[i] : nullptr;
    header.msg_namelen = named ? sizeof names_[i] : 0;
    header.msg_control = named ? controls_[i].bytes : nullptr;
    header.msg_controllen = named ? sizeof controls_[i].bytes : 0;
    header.msg_flags = 0;
  }
}

bool UdpReceiver::take(const UdpSocket& socket, int number, int index, int first, int slot, int64_t emptyNs) {
  if (!describe(socket, number, headers_[index], slot, emptyNs)) return false;
  const auto bytes = static_cast<int32_t>(headers_[index].msg_len);
  slots_->lengths()[slot] = bytes;
  // Behind one that was dropped they move up.
  if (slot != first + index) std::memcpy(slots_->arena() + kUdpSlotBytes * slot, pieces_[index].iov_base, bytes);
  return true;
}

bool UdpReceiver::describe(const UdpSocket& socket, int number, const mmsghdr& message, int slot, int64_t emptyNs) {
  const msghdr& header = message.msg_hdr;
  slots_->sockets()[slot] = number;
  slots_->arrivalsMs()[slot] = clock_.nowMs();
  if (socket.isConnected()) {
    slots_->peers()[slot] = -1;
    return true;
  }
  PeerKey key;
  key.socket = static_cast<uint16_t>(number);
  const auto* name = static_cast<const sockaddr_in6*>(header.msg_name);
  if (name->sin6_family == AF_INET6) {
    key.remote = name->sin6_addr;
    key.port = name->sin6_port;
    key.scope = name->sin6_scope_id;
  } else {
    const auto* v4 = static_cast<const sockaddr_in*>(header.msg_name);
    key.remote = mapV4(v4->sin_addr);
    key.port = v4->sin_port;
  }
  const auto* bytes = static_cast<const uint8_t*>(header.msg_iov->iov_base);
  if (registrations_ && !socket.towardsServer() &&
      UdpRegistrationBudget::isRegistration(bytes, message.msg_len) &&
      !registrations_->admits(bytes, key.remote, clock_.nowNs())) {
    (bytes[1] == 0 ? counters_.reg1Dropped : counters_.reg2Dropped)++;
    return false;
  }
  auto& mutableHeader = const_cast<msghdr&>(header);
  for (cmsghdr* control = CMSG_FIRSTHDR(&mutableHeader); control != nullptr; control = CMSG_NXTHDR(&mutableHeader, control)) {
    if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
      timespec wall;
      if (readControl(*control, wall)) slots_->arrivalsMs()[slot] = clock_.arrivalMs(wall, emptyNs);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      if (readControl(*control, info)) key.local = info.ipi6_addr;
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      if (readControl(*control, info)) key.local = mapV4(info.ipi_spec_dst);
    }
  }
  slots_->peers()[slot] = peers_.find(key);
  return true;
}

void UdpReceiver::fail(const UdpSocket& socket, int error) {
  if (!socket.towardsServer()) counters_.linkErrors++;
  else if (error == ECONNREFUSED) counters_.serverRefused++;
  else counters_.serverErrors++;
}

}  // namespace tributary
