// A flood of datagrams at a fixed rate, by somebody who knows the protocol.
//   flood --mode reg1|data --port P --pps N [--ports N] [--addresses N] [--destination ID] [--payload BYTES]
// reg1: registrations, each of another sender, from so many ports of each of so many addresses.
// data: registers a group with one link, then sends SRT data packets with that destination id.
// Standard input: start, reset, report, stop. Standard output: one line of JSON for each answer.
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "srt_wire.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

using namespace bench;

namespace {

constexpr int REGISTRATION = 258, RUN = 16, MOST_BYTES = 1400;

class Flood {
 public:
  Flood(const Options& o)
      : floodsData_(o.text("mode", "reg1") == "data"),
        pps_(o.number("pps", 100000)),
        bytes_(floodsData_ ? int(o.number("payload", Payload::BYTES)) + srt::HEADER : REGISTRATION),
        destination_(uint32_t(strtoul(o.text("destination", "1").c_str(), nullptr, 10))) {
    const long addresses = floodsData_ ? 1 : o.number("addresses", 1), ports = floodsData_ ? 1 : o.number("ports", 64);
    for (long a = 0; a < addresses; a++)
      for (long p = 0; p < ports; p++) sockets_.push_back(open(0x7fc80001u + uint32_t(a), int(o.number("port", 0))));
    if (bytes_ > MOST_BYTES) fputs("too long a payload\n", stderr), exit(1);
  }

  int run() {
    if (floodsData_) registers();
    say("ready");
    for (std::string line;;) {
      while (commands_.take(line)) {
        if (line == "start") running_ = true, startedNs_ = nowNs(), scheduled_ = 0;
        else if (line == "reset") sent_ = skipped_ = 0;
        else if (line == "report") say("report");
        else if (line == "stop") return say("final"), 0;
      }
      if (running_) sendDue();
      const timespec t{0, 500000};
      nanosleep(&t, nullptr);
    }
  }

 private:
  static int open(uint32_t address, int port) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_in own{}, target{};
    own.sin_family = target.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(address);
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.sin_port = htons(uint16_t(port));
    const int room = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 || connect(fd, reinterpret_cast<sockaddr*>(&target), sizeof target) != 0)
      perror("a socket of the flood"), exit(1);
    return fd;
  }

  /// The answer to a packet that is repeated until there is one of that type.
  void ask(const uint8_t* question, int size, uint16_t type, uint8_t* answer) {
    for (int tries = 0; tries < 40; tries++) {
      if (send(sockets_[0], question, size_t(size), 0) < 0 && errno != EAGAIN) perror("send"), exit(1);
      pollfd p{sockets_[0], POLLIN, 0};
      while (poll(&p, 1, 250) > 0)
        if (recv(sockets_[0], answer, MOST_BYTES, 0) >= 2 && read16(answer) == type) return;
    }
    fprintf(stderr, "no answer %x\n", type);
    exit(1);
  }

  void registers() {
    uint8_t packet[REGISTRATION], answer[MOST_BYTES];
    write16(packet, 0x9200);
    for (int i = 2; i < REGISTRATION; i++) packet[i] = uint8_t(rand());
    ask(packet, REGISTRATION, 0x9201, answer);
    memcpy(packet, answer, REGISTRATION);
    ask(packet, REGISTRATION, 0x9202, answer);
    const uint8_t keepalive[10] = {0x90, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    ask(keepalive, sizeof keepalive, 0x9000, answer);
  }

  void sendDue() {
    const uint64_t due = uint64_t(double(nowNs() - startedNs_) * double(pps_) / 1e9);
    // Held up itself, it leaves out what would be a burst above its rate.
    const uint64_t most = scheduled_ + uint64_t(pps_) / 100;
    if (due > most) skipped_ += due - most, scheduled_ += due - most;
    while (scheduled_ + RUN <= due) {
      sendRun();
      scheduled_ += RUN;
    }
  }

  /// So many datagrams in one call: the kernel cuts them apart.
  void sendRun() {
    static uint8_t run[RUN * MOST_BYTES];
    for (int i = 0; i < RUN; i++) {
      uint8_t* p = run + i * bytes_;
      if (floodsData_) {
        write32(p, uint32_t(++counter_) & 0x7fffffff);
        write32(p + 4, 0xe0000001);
        write32(p + 8, uint32_t(nowNs() / 1000));
        write32(p + 12, destination_);
      } else {
        write16(p, 0x9200);
        write32(p + 2, uint32_t(++counter_));
      }
    }
    iovec piece{run, size_t(RUN * bytes_)};
    char control[CMSG_SPACE(sizeof(uint16_t))] = {};
    msghdr m{};
    m.msg_iov = &piece;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const uint16_t size = uint16_t(bytes_);
    memcpy(CMSG_DATA(c), &size, sizeof size);
    const int fd = sockets_[turn_++ % sockets_.size()];
    // What is answered is taken away: full buffers of its own would look like the node's.
    static uint8_t answer[MOST_BYTES];
    while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) >= 0) {
    }
    // An error of an earlier run says nothing about this one.
    for (int tries = 0; tries < 2; tries++)
      if (sendmsg(fd, &m, 0) > 0) return void(sent_ += RUN);
    failed_ += RUN;
  }

  void say(const char* event) {
    printf("{\"event\":\"%s\",\"sent\":%llu,\"skipped\":%llu,\"failed\":%llu}\n", event, static_cast<unsigned long long>(sent_),
           static_cast<unsigned long long>(skipped_), static_cast<unsigned long long>(failed_));
    fflush(stdout);
  }

  const bool floodsData_;
  const long pps_;
  const int bytes_;
  const uint32_t destination_;
  std::vector<int> sockets_;
  Commands commands_;
  uint64_t sent_ = 0, skipped_ = 0, failed_ = 0, scheduled_ = 0, counter_ = 0;
  size_t turn_ = 0;
  int64_t startedNs_ = 0;
  bool running_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  limitLife(unsigned(options.number("life", 120)));
  prctl(PR_SET_TIMERSLACK, 1);
  srand(unsigned(nowNs()));
  return Flood(options).run();
}
