// A counting SRT server without SRT: answers handshakes, checks that each data packet carries the destination id that its stream was
// given, and counts what arrives. It acknowledges nothing, so that only the way there is measured.
//   sink --port P [--raw 1] [--buffer BYTES]      --raw: no handshakes; destination ids are not looked at
// Standard input: reset, report, stop. Standard output: one line of JSON for each answer.
#include <sys/prctl.h>

#include <map>

#include "link_socket.h"
#include "srt_wire.h"

using namespace bench;

namespace {

struct Counters {
  uint64_t packets = 0, altered = 0, misaddressed = 0, control = 0;
  Histogram delay;
};

class Sink {
 public:
  explicit Sink(const Options& o) : raw_(o.number("raw", 0) != 0) {
    fd_ = socket(AF_INET, SOCK_DGRAM, 0);
    const int on = 1, bytes = int(o.number("buffer", 32 << 20));
    setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    setsockopt(fd_, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(uint16_t(o.number("port", 0)));
    if (bind(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) perror("bind"), exit(1);
    socklen_t length = sizeof a;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&a), &length);
    printf("{\"event\":\"ready\",\"port\":%d}\n", ntohs(a.sin_port));
    fflush(stdout);
  }

  int run() {
    for (std::string line;;) {
      while (commands_.take(line)) {
        if (line == "stop") return say("final"), 0;
        if (line == "reset") count_ = Counters();
        if (line == "report") say("report");
      }
      // A millisecond at a time: fewer wake-ups, and the time of arrival is the kernel's.
      const timespec pause{0, 1000000};
      nanosleep(&pause, nullptr);
      while (receive()) {}
    }
  }

 private:
  static constexpr int BATCH = 256;

  bool receive() {
    static uint8_t bytes[BATCH][1536];
    static mmsghdr messages[BATCH];
    static iovec vectors[BATCH];
    static sockaddr_in from[BATCH];
    static char controls[BATCH][128];
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = {bytes[i], sizeof bytes[i]};
      messages[i].msg_hdr = {&from[i], sizeof from[i], &vectors[i], 1, controls[i], sizeof controls[i], 0};
    }
    const int n = recvmmsg(fd_, messages, BATCH, MSG_DONTWAIT, nullptr);
    const int64_t toMonotonic = wallToMonotonicNs();
    for (int i = 0; i < n; i++) {
      int64_t arrival = 0;
      for (cmsghdr* c = CMSG_FIRSTHDR(&messages[i].msg_hdr); c; c = CMSG_NXTHDR(&messages[i].msg_hdr, c)) {
        if (c->cmsg_type == SO_RXQ_OVFL) memcpy(&kernelDrops_, CMSG_DATA(c), 4);
        if (c->cmsg_type != SO_TIMESTAMPNS) continue;
        const timespec& t = *reinterpret_cast<timespec*>(CMSG_DATA(c));
        arrival = int64_t(t.tv_sec) * 1000000000 + t.tv_nsec + toMonotonic;
      }
      packet(bytes[i], int(messages[i].msg_len), from[i], arrival);
    }
    return n == BATCH;
  }

  void packet(const uint8_t* p, int size, const sockaddr_in& from, int64_t arrival) {
    if (size < srt::HEADER) return;
    if (p[0] & 0x80) {
      count_.control++;
      if (read16(p) == srt::T_HANDSHAKE && size >= srt::HANDSHAKE) answer(p, from);
      return;
    }
    Payload payload;
    if (!payload.read(p + srt::HEADER, size - srt::HEADER)) {
      count_.altered++;
      return;
    }
    if (!raw_ && read32(p + 12) != serverIdOf(0x1000 + payload.stream)) count_.misaddressed++;
    count_.packets++;
    count_.delay.add(arrival - payload.sentNs);
    trackers_[payload.stream].add(payload.counter);
  }

  static uint32_t serverIdOf(uint32_t encoderId) { return 0x20000000u + encoderId; }

  void answer(const uint8_t* p, const sockaddr_in& to) {
    const srt::Handshake h = srt::readHandshake(p);
    uint8_t out[128];
    const bool induction = h.type == srt::INDUCTION;
    const uint32_t id = serverIdOf(h.socketId);
    const int size = srt::handshake(out, {5, induction ? srt::INDUCTION : srt::CONCLUSION, id, 0xc00c1e, h.sequence, uint16_t(induction ? 0x4a17 : 0)}, 0, h.socketId);
    sendto(fd_, out, size_t(size), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  void say(const char* event) {
    auto u = [](uint64_t v) { return static_cast<unsigned long long>(v); };
    uint64_t unique = 0, duplicated = 0, reordered = 0;
    for (auto& [stream, t] : trackers_) unique += t.unique, duplicated += t.duplicated, reordered += t.reordered;
    printf("{\"event\":\"%s\",\"packets\":%llu,\"altered\":%llu,\"misaddressed\":%llu,\"control\":%llu,\"kernelDrops\":%u,", event, u(count_.packets), u(count_.altered),
           u(count_.misaddressed), u(count_.control), kernelDrops_);
    printf("\"unique\":%llu,\"duplicated\":%llu,\"reordered\":%llu,\"delay\":", u(unique), u(duplicated), u(reordered));
    count_.delay.print(stdout);
    puts("}");
    fflush(stdout);
  }

  const bool raw_;
  int fd_;
  uint32_t kernelDrops_ = 0;
  Commands commands_;
  Counters count_;
  std::map<uint32_t, Tracker> trackers_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  limitLife(unsigned(options.number("life", 300)));
  prctl(PR_SET_TIMERSLACK, 1);
  return Sink(options).run();
}
