// One SRT caller as an encoder uses libsrt: payloads at a fixed rate, everything else is the library's.
//   caller --port P --id ID [--pps N] [--latency MS] [--stream N]
// Standard input: start, report, stop. Standard output: one line of JSON for each answer.
#include <arpa/inet.h>
#include <srt/srt.h>

#include "bench.h"

using namespace bench;

namespace {

class Caller {
 public:
  explicit Caller(const Options& o) : stream_(uint32_t(o.number("stream", 0))), pps_(double(o.number("pps", 570))) {
    srt_startup();
    srt_setloglevel(2);
    // A handshake that loss has eaten is repeated by libsrt; a whole attempt that fails is begun anew.
    const int64_t end = nowNs() + 20000000000;
    while (!connect(o)) {
      if (nowNs() > end) {
        fprintf(stderr, "no connection: %s\n", srt_getlasterror_str());
        exit(1);
      }
      usleep(200000);
    }
    int negotiated = 0, size = sizeof negotiated;
    srt_getsockflag(socket_, SRTO_PEERLATENCY, &negotiated, &size);
    printf("{\"event\":\"ready\",\"latencyMs\":%d}\n", negotiated);
    fflush(stdout);
  }

  int run() {
    for (std::string line;;) {
      while (commands_.take(line)) {
        if (line == "start") startedNs_ = nowNs(), running_ = true;
        if (line == "pause") running_ = false;
        if (line == "report") say("report");
        if (line == "stop") return say("final"), srt_close(socket_), srt_cleanup(), 0;
      }
      if (running_) sendDue();
      usleep(500);
    }
  }

 private:
  bool connect(const Options& o) {
    socket_ = srt_create_socket();
    const int live = SRTT_LIVE, latency = int(o.number("latency", 2000)), timeout = 5000, no = 0;
    const std::string id = o.text("id", "");
    srt_setsockflag(socket_, SRTO_TRANSTYPE, &live, sizeof live);
    srt_setsockflag(socket_, SRTO_LATENCY, &latency, sizeof latency);
    srt_setsockflag(socket_, SRTO_CONNTIMEO, &timeout, sizeof timeout);
    srt_setsockflag(socket_, SRTO_STREAMID, id.data(), int(id.size()));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(uint16_t(o.number("port", 0)));
    if (srt_connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) return srt_close(socket_), false;
    srt_setsockflag(socket_, SRTO_SNDSYN, &no, sizeof no);
    return true;
  }

  void sendDue() {
    const uint64_t due = uint64_t(double(nowNs() - startedNs_) * pps_ / 1e9);
    while (sent_ + refused_ < due) {
      uint8_t bytes[Payload::BYTES] = {};
      Payload{Payload::MAGIC, stream_, sent_, nowNs()}.write(bytes);
      if (srt_sendmsg(socket_, reinterpret_cast<char*>(bytes), sizeof bytes, -1, 1) == int(sizeof bytes)) {
        sent_++;
        continue;
      }
      // A full buffer is an encoder's loss at the source; a connection that is gone ends it.
      refused_++;
      if (srt_getsockstate(socket_) != SRTS_CONNECTED) broken_ = true, running_ = false;
      if (broken_) return;
    }
  }

  void say(const char* event) {
    SRT_TRACEBSTATS s{};
    srt_bistats(socket_, &s, 0, 1);
    auto u = [](uint64_t v) { return static_cast<unsigned long long>(v); };
    printf("{\"event\":\"%s\",\"sent\":%llu,\"refused\":%llu,\"broken\":%s,\"retransmitted\":%d,\"dropped\":%d,\"naks\":%d,\"rttMs\":%.2f,\"bufferedPackets\":%d}\n", event, u(sent_),
           u(refused_), broken_ ? "true" : "false", s.pktRetransTotal, s.pktSndDropTotal, s.pktRecvNAKTotal, s.msRTT, s.pktSndBuf);
    fflush(stdout);
  }

  const uint32_t stream_;
  const double pps_;
  SRTSOCKET socket_ = SRT_INVALID_SOCK;
  bool running_ = false, broken_ = false;
  int64_t startedNs_ = 0;
  uint64_t sent_ = 0, refused_ = 0;
  Commands commands_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  limitLife(unsigned(options.number("life", 300)));
  return Caller(options).run();
}
