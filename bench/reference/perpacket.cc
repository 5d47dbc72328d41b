// perpacket: the plain way to move SRTLA data, as a reference for CPU per packet in one run: epoll, one recvfrom and one send per
// packet, an SRTLA ACK after every ten packets of a link. It registers nobody, checks nothing and is no model of anything.
//   g++ -O2 -o perpacket perpacket.cc && ./perpacket LISTEN_PORT TARGET_PORT [BUFFER_BYTES]
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

struct Link {
  uint32_t sequence[10];
  int count = 0;
};

static int udp(int bindPort, int connectPort, int buffer) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(bindPort ? INADDR_ANY : INADDR_LOOPBACK);
  a.sin_port = htons(bindPort ? bindPort : connectPort);
  if (bindPort ? bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) : connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a)) exit(1);
  return fd;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  signal(SIGTERM, [](int) { _exit(0); });
  const int buffer = argc > 3 ? atoi(argv[3]) : 16 << 20;
  const int in = udp(atoi(argv[1]), 0, buffer), out = udp(0, atoi(argv[2]), buffer);
  const int ep = epoll_create1(0);
  epoll_event want{};
  want.events = EPOLLIN;
  epoll_ctl(ep, EPOLL_CTL_ADD, in, &want);
  std::unordered_map<uint64_t, Link> links;
  unsigned char packet[1500];
  for (;;) {
    epoll_event ready;
    if (epoll_wait(ep, &ready, 1, 1000) <= 0) continue;
    sockaddr_in from;
    socklen_t length = sizeof from;
    const ssize_t size = recvfrom(in, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 16) continue;
    if (!(packet[0] & 0x80)) {
      Link& link = links[(uint64_t(from.sin_addr.s_addr) << 16) | from.sin_port];
      memcpy(&link.sequence[link.count++], packet, 4);
      if (link.count == 10) {
        uint32_t ack[11] = {htonl(0x91000000)};
        memcpy(ack + 1, link.sequence, 40);
        sendto(in, ack, sizeof ack, 0, reinterpret_cast<sockaddr*>(&from), length);
        link.count = 0;
      }
    }
    send(out, packet, size, 0);
  }
}
