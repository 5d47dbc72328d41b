#include "udp_sender.h"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tributary {
namespace {

template <typename T>
size_t writeControl(char* at, int level, int type, const T& content) {
  auto* control = reinterpret_cast<cmsghdr*>(at);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof content);
  std::memcpy(CMSG_DATA(control), &content, sizeof content);
  return CMSG_SPACE(sizeof content);
}

/** From which of our addresses it leaves. The interface is left to the routes. */
size_t writeSource(char* at, const PeerKey& key, bool isV6) {
  if (isV6) {
    in6_pktinfo info{};
    info.ipi6_addr = key.local;
    if (IN6_IS_ADDR_LINKLOCAL(&key.local)) info.ipi6_ifindex = key.scope;
    return writeControl(at, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  in_pktinfo info{};
  std::memcpy(&info.ipi_spec_dst, &key.local.s6_addr[12], sizeof info.ipi_spec_dst);
  return writeControl(at, IPPROTO_IP, IP_PKTINFO, info);
}

}  // namespace

UdpSender::UdpSender(std::shared_ptr<UdpSlots> slots, const UdpPeers& peers, UdpCounters& counters, bool segmentation)
    : slots_(std::move(slots)), peers_(peers), counters_(counters), segmentation_(segmentation), next_(slots_->entries()) {}

void UdpSender::flush(int count, const std::vector<std::unique_ptr<UdpSocket>>& sockets) {
  chain(count, sockets);
  for (const int socket : touched_) {
    const int first = heads_[socket];
    heads_[socket] = -1;
    sendChain(*sockets[socket], first);
  }
  touched_.clear();
}

int UdpSender::socketOf(int entry, const std::vector<std::unique_ptr<UdpSocket>>& sockets) const {
  const int to = slots_->sendTo()[entry];
  const int64_t from = slots_->sendFrom()[entry];
  const int64_t bytes = slots_->sendBytes()[entry];
  if (from < 0 || bytes < 1 || bytes > kMostRunBytes || from + bytes > static_cast<int64_t>(slots_->arenaBytes())) return -1;
  if (to >= 0 && !peers_.isValid(to)) return -1;
  const int socket = to >= 0 ? peers_.key(to).socket : -1 - to;
  if (static_cast<size_t>(socket) >= sockets.size() || !sockets[socket]) return -1;
  return sockets[socket]->isConnected() == (to < 0) ? socket : -1;
}

void UdpSender::chain(int count, const std::vector<std::unique_ptr<UdpSocket>>& sockets) {
  if (heads_.size() < sockets.size()) {
    heads_.resize(sockets.size(), -1);
    tails_.resize(sockets.size(), -1);
  }
  for (int entry = 0; entry < count; entry++) {
    const int socket = socketOf(entry, sockets);
    if (socket < 0) {
      counters_.linkErrors++;
      continue;
    }
    next_[entry] = -1;
    if (heads_[socket] < 0) {
      heads_[socket] = entry;
      touched_.push_back(socket);
    } else {
      next_[tails_[socket]] = entry;
    }
    tails_[socket] = entry;
  }
}

void UdpSender::sendChain(const UdpSocket& socket, int first) {
  for (int entry = first; entry >= 0; entry = next_[entry]) {
    if (messages_ > 0 && continues(socket, entry)) {
      append(entry);
      continue;
    }
    if (messages_ == kMessages) submit(socket);
    begin(socket, entry);
  }
  submit(socket);
}

bool UdpSender::continues(const UdpSocket& socket, int entry) const {
  const int bytes = slots_->sendBytes()[entry];
  return segmentation_ && socket.towardsServer() && !runEnded_ && slots_->sendTo()[entry] == runTo_ && bytes <= runSize_ &&
         headers_[messages_ - 1].msg_hdr.msg_iovlen < kMostSegments && runBytes_ + bytes <= kMostRunBytes;
}

void UdpSender::begin(const UdpSocket& socket, int entry) {
  const int index = messages_++;
  msghdr& header = headers_[index].msg_hdr;
  header = msghdr{};
  runTo_ = slots_->sendTo()[entry];
  runSize_ = slots_->sendBytes()[entry];
  runBytes_ = 0;
  runEnded_ = false;
  header.msg_iov = &pieces_[pieceCount_];
  if (runTo_ >= 0) {
    const PeerKey& key = peers_.key(runTo_);
    header.msg_name = &names_[index];
    header.msg_namelen = writeAddress(key, socket.isV6(), names_[index]);
    if (socket.isWildcard() && !IN6_IS_ADDR_UNSPECIFIED(&key.local)) {
      header.msg_control = controls_[index].bytes;
      header.msg_controllen = writeSource(controls_[index].bytes, key, socket.isV6());
    }
  }
  append(entry);
}

void UdpSender::append(int entry) {
  msghdr& header = headers_[messages_ - 1].msg_hdr;
  const int bytes = slots_->sendBytes()[entry];
  iovec& piece = pieces_[pieceCount_++];
  piece.iov_base = slots_->arena() + slots_->sendFrom()[entry];
  piece.iov_len = static_cast<size_t>(bytes);
  header.msg_iovlen++;
  runBytes_ += bytes;
  // Only the last segment may be shorter.
  if (bytes < runSize_) runEnded_ = true;
  if (header.msg_iovlen == 2) {
    char* control = controls_[messages_ - 1].bytes;
    header.msg_control = control;
    header.msg_controllen += writeControl(control + header.msg_controllen, SOL_UDP, UDP_SEGMENT, static_cast<uint16_t>(runSize_));
  }
}

void UdpSender::submit(const UdpSocket& socket) {
  int done = 0;
  while (done < messages_) {
    counters_.sendCalls++;
    const int sent = sendmmsg(socket.descriptor(), &headers_[done], static_cast<unsigned>(messages_ - done), MSG_DONTWAIT);
    const int error = errno;
    for (int i = 0; i < sent; i++) {
      const size_t datagrams = headers_[done + i].msg_hdr.msg_iovlen;
      counters_.sentDatagrams += static_cast<double>(datagrams);
      if (datagrams > 1) counters_.segmentedRuns++;
    }
    if (sent > 0) {
      done += sent;
      continue;
    }
    const mmsghdr& message = headers_[done];
    const size_t datagrams = message.msg_hdr.msg_iovlen;
    if (datagrams > 1 && (error == EIO || error == EINVAL || error == ENOPROTOOPT || error == EMSGSIZE)) {
      segmentation_ = false;
      sendSingly(socket, message);
      done++;
    } else if (!failed(socket, error, datagrams)) {
      done++;
    }
  }
  messages_ = 0;
  pieceCount_ = 0;
}

void UdpSender::sendSingly(const UdpSocket& socket, const mmsghdr& message) {
  msghdr single = message.msg_hdr;
  single.msg_iovlen = 1;
  // The segment size is the last control message.
  single.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
  if (single.msg_controllen == 0) single.msg_control = nullptr;
  for (size_t i = 0; i < message.msg_hdr.msg_iovlen; i++) {
    single.msg_iov = message.msg_hdr.msg_iov + i;
    bool again = true;
    while (again) {
      counters_.sendCalls++;
      again = false;
      if (sendmsg(socket.descriptor(), &single, MSG_DONTWAIT) >= 0) counters_.sentDatagrams++;
      else again = failed(socket, errno, 1);
    }
  }
}

bool UdpSender::failed(const UdpSocket& socket, int error, size_t datagrams) {
  const auto lost = static_cast<double>(datagrams);
  if (error == EINTR) return true;
  if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM) {
    (socket.towardsServer() ? counters_.serverSendsDropped : counters_.linkSendsDropped) += lost;
    return false;
  }
  // What an earlier datagram met; this one has not been tried yet.
  if (error == ECONNREFUSED && socket.isConnected()) {
    counters_.serverRefused++;
    return true;
  }
  (socket.towardsServer() ? counters_.serverErrors : counters_.linkErrors) += lost;
  return false;
}

}  // namespace tributary
