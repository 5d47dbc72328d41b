// floor: what the system calls of a batched SRTLA stage cost without the stage: every TICK_US a recvmmsg with time of arrival and address asked,
// an SRTLA ACK after every ten packets of a link in one sendmmsg, and one segmented send (UDP_SEGMENT) to the target. Like perpacket it
// registers nobody and checks nothing. Nothing that gathers as long can cost less on the same kernel.
//   g++ -O2 -o floor floor.cc && ./floor LISTEN_PORT TARGET_PORT TICK_US [BUFFER_BYTES]
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <unordered_map>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace {

constexpr int BATCH = 64, RUN = 48;

struct Link {
  uint32_t sequence[10];
  int count = 0;
};

int udp(int bindPort, int connectPort, int buffer) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (bindPort) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(bindPort ? INADDR_ANY : INADDR_LOOPBACK);
  a.sin_port = htons(uint16_t(bindPort ? bindPort : connectPort));
  if (bindPort ? bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) : connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a)) exit(1);
  return fd;
}

uint8_t bytes[BATCH][1536], acks[BATCH][44];
char controls[BATCH][96];
mmsghdr got[BATCH], answers[BATCH];
iovec pieces[BATCH], answerPieces[BATCH], run[RUN];
sockaddr_in from[BATCH];
std::unordered_map<uint64_t, Link> links;

int receive(int in) {
  for (int i = 0; i < BATCH; i++) {
    pieces[i] = {bytes[i], sizeof bytes[i]};
    got[i].msg_hdr = {&from[i], sizeof from[i], &pieces[i], 1, controls[i], sizeof controls[i], 0};
  }
  return recvmmsg(in, got, BATCH, MSG_DONTWAIT, nullptr);
}

void acknowledge(int in, int count) {
  int due = 0;
  for (int i = 0; i < count; i++) {
    if (bytes[i][0] & 0x80) continue;
    Link& link = links[(uint64_t(from[i].sin_addr.s_addr) << 16) | from[i].sin_port];
    memcpy(&link.sequence[link.count++], bytes[i], 4);
    if (link.count < 10) continue;
    const uint32_t type = htonl(0x91000000);
    memcpy(acks[due], &type, 4), memcpy(acks[due] + 4, link.sequence, 40);
    answerPieces[due] = {acks[due], sizeof acks[due]};
    answers[due].msg_hdr = {&from[i], sizeof from[i], &answerPieces[due], 1, nullptr, 0, 0};
    due++, link.count = 0;
  }
  if (due > 0) sendmmsg(in, answers, unsigned(due), 0);
}

/** All but the last of a run are of one size. */
void pass(int out, int count) {
  for (int i = 0; i < count;) {
    const size_t size = got[i].msg_len;
    int n = 0;
    do run[n++] = {bytes[i], got[i].msg_len};
    while (++i < count && n < RUN && got[i].msg_len <= size && got[i - 1].msg_len == size);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {};
    msghdr message{nullptr, 0, run, size_t(n), nullptr, 0, 0};
    if (n > 1) {
      message.msg_control = control, message.msg_controllen = sizeof control;
      cmsghdr* c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_UDP, c->cmsg_type = UDP_SEGMENT, c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      const uint16_t segment = uint16_t(size);
      memcpy(CMSG_DATA(c), &segment, sizeof segment);
    }
    sendmsg(out, &message, 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  signal(SIGTERM, [](int) { _exit(0); });
  prctl(PR_SET_TIMERSLACK, 1);
  const int buffer = argc > 4 ? atoi(argv[4]) : 16 << 20;
  const int in = udp(atoi(argv[1]), 0, buffer), out = udp(0, atoi(argv[2]), buffer);
  const timespec tick{0, atol(argv[3]) * 1000};
  for (;;) {
    nanosleep(&tick, nullptr);
    for (int count = BATCH; count == BATCH;) {
      count = receive(in);
      if (count > 0) acknowledge(in, count), pass(out, count);
    }
  }
}
