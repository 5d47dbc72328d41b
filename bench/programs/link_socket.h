// One UDP socket that speaks for many links: each link is a source address of 127/8, named by its group and number, on the same port.
// Sends in batches, segmented by the kernel where several packets follow each other on a link; the load maker must not be the bottleneck.
#pragma once
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>

#include "bench.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace bench {

struct Link {
  int group, number;
};

class LinkSocket {
 public:
  static constexpr int BATCH = 64, MAX_RUN = 8, SLOT = MAX_RUN * 1400;

  LinkSocket(int targetPort, int bufferBytes) : slots_(BATCH * SLOT) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    // The links' addresses need a socket on every address; the device keeps it to this machine.
    setsockopt(fd_, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &bufferBytes, sizeof bufferBytes) != 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bufferBytes, sizeof bufferBytes);
    setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bufferBytes, sizeof bufferBytes);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) perror("bind"), exit(1);
    target_.sin_family = AF_INET;
    target_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target_.sin_port = htons(uint16_t(targetPort));
  }

  int fd() const { return fd_; }

  /// Room for one packet to this link, behind the last one where that was to the same link and as long. Fill it, then `commit`.
  uint8_t* reserve(Link link, bool mayJoin) {
    if (mayJoin && count_ > 0 && run_ > 0 && run_ < MAX_RUN && last_.group == link.group && last_.number == link.number)
      return slots_.data() + (count_ - 1) * SLOT + length_[count_ - 1];
    if (count_ == BATCH) flush();
    last_ = link;
    link_[count_] = link;
    length_[count_] = segment_[count_] = 0;
    run_ = 0;
    count_++;
    return slots_.data() + (count_ - 1) * SLOT;
  }
  void commit(int bytes, bool mayJoin) {
    length_[count_ - 1] += bytes;
    segment_[count_ - 1] = bytes;
    run_ = mayJoin ? run_ + 1 : 0;
  }

  void flush() {
    static mmsghdr messages[BATCH];
    static iovec vectors[BATCH];
    static char controls[BATCH][CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
    for (int i = 0; i < count_; i++) {
      vectors[i] = {slots_.data() + i * SLOT, size_t(length_[i])};
      const bool segmented = length_[i] > segment_[i];
      msghdr& m = messages[i].msg_hdr;
      m = {};
      m.msg_name = &target_;
      m.msg_namelen = sizeof target_;
      m.msg_iov = &vectors[i];
      m.msg_iovlen = 1;
      m.msg_control = controls[i];
      m.msg_controllen = CMSG_SPACE(sizeof(in_pktinfo)) + (segmented ? CMSG_SPACE(sizeof(uint16_t)) : 0);
      cmsghdr* c = CMSG_FIRSTHDR(&m);
      c->cmsg_level = IPPROTO_IP;
      c->cmsg_type = IP_PKTINFO;
      c->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
      in_pktinfo info{};
      info.ipi_spec_dst.s_addr = addressOf(link_[i]);
      memcpy(CMSG_DATA(c), &info, sizeof info);
      if (!segmented) continue;
      c = CMSG_NXTHDR(&m, c);
      c->cmsg_level = SOL_UDP;
      c->cmsg_type = UDP_SEGMENT;
      c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      const uint16_t size = uint16_t(segment_[i]);
      memcpy(CMSG_DATA(c), &size, sizeof size);
    }
    for (int sent = 0; sent < count_;) {
      const int n = sendmmsg(fd_, messages + sent, unsigned(count_ - sent), 0);
      if (n > 0) sent += n;
      else if (errno == EAGAIN) {
        pollfd p{fd_, POLLOUT, 0};
        poll(&p, 1, 10);
      } else sent++, failed++;
    }
    count_ = run_ = 0;
  }

  /// each(link, bytes, size, arrival on the monotonic clock).
  template <class Each>
  void receive(Each each) {
    static uint8_t bytes[BATCH][1536];
    static mmsghdr messages[BATCH];
    static iovec vectors[BATCH];
    static char controls[BATCH][256];
    for (int n = BATCH; n == BATCH;) {
      for (int i = 0; i < BATCH; i++) {
        vectors[i] = {bytes[i], sizeof bytes[i]};
        messages[i].msg_hdr = {};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = controls[i];
        messages[i].msg_hdr.msg_controllen = sizeof controls[i];
      }
      n = recvmmsg(fd_, messages, BATCH, MSG_DONTWAIT, nullptr);
      const int64_t toMonotonic = wallToMonotonicNs();
      for (int i = 0; i < n; i++) {
        Link link{-1, -1};
        int64_t arrival = 0;
        for (cmsghdr* c = CMSG_FIRSTHDR(&messages[i].msg_hdr); c; c = CMSG_NXTHDR(&messages[i].msg_hdr, c)) {
          if (c->cmsg_type == IP_PKTINFO) link = linkOf(reinterpret_cast<in_pktinfo*>(CMSG_DATA(c))->ipi_addr.s_addr);
          if (c->cmsg_type == SO_TIMESTAMPNS) {
            const timespec& t = *reinterpret_cast<timespec*>(CMSG_DATA(c));
            arrival = int64_t(t.tv_sec) * 1000000000 + t.tv_nsec + toMonotonic;
          }
        }
        if (link.number >= 0) each(link, bytes[i], int(messages[i].msg_len), arrival);
      }
    }
  }

  uint64_t failed = 0;

 private:
  /// 127.(10 + link).(group / 250).(1 + group % 250)
  static in_addr_t addressOf(Link l) { return htonl(127u << 24 | uint32_t(10 + l.number) << 16 | uint32_t(l.group / 250) << 8 | uint32_t(1 + l.group % 250)); }
  static Link linkOf(in_addr_t address) {
    const uint32_t a = ntohl(address);
    return {int(a >> 8 & 255) * 250 + int(a & 255) - 1, int(a >> 16 & 255) - 10};
  }

  int fd_;
  sockaddr_in target_{};
  std::vector<uint8_t> slots_;
  Link link_[BATCH], last_{};
  int length_[BATCH], segment_[BATCH];
  int count_ = 0, run_ = 0;
};

}  // namespace bench
