// So many SRT players for each play id, read by one thread. Every payload is accounted for: lost, duplicated, reordered, altered; and its
// delay beyond both negotiated latencies.
//   players --port P --ids a,b,… [--per-id N] [--latency MS] [--publisher-latency MS] [--first-group N]
// Standard input: reset, report, stop. Standard output: one line of JSON for each answer.
#include <arpa/inet.h>
#include <srt/srt.h>

#include <unordered_map>

#include "bench.h"

using namespace bench;

namespace {

struct Player {
  uint32_t stream;
  Tracker tracker;
  int64_t latencyNs = 0;
  bool broken = false;
};

class Players {
 public:
  explicit Players(const Options& o) : publisherLatencyNs_(o.number("publisher-latency", 400) * 1000000) {
    srt_startup();
    srt_setloglevel(2);
    epoll_ = srt_epoll_create();
    const auto ids = o.list("ids");
    uint32_t stream = uint32_t(o.number("first-group", 0));
    for (const auto& id : ids) {
      for (long i = 0; i < o.number("per-id", 1); i++) connect(o, id, stream);
      stream++;
    }
    printf("{\"event\":\"ready\",\"players\":%zu}\n", players_.size());
    fflush(stdout);
  }

  int run() {
    SRT_EPOLL_EVENT events[256];
    for (std::string line;;) {
      while (commands_.take(line)) {
        if (line == "stop") return say("final"), 0;
        if (line == "reset") delay_.clear(), messages_ = 0;
        if (line == "report") say("report");
      }
      const int n = srt_epoll_uwait(epoll_, events, 256, 20);
      for (int i = 0; i < n; i++) read(events[i].fd);
    }
  }

 private:
  void connect(const Options& o, const std::string& id, uint32_t stream) {
    const SRTSOCKET s = srt_create_socket();
    const int live = SRTT_LIVE, latency = int(o.number("latency", 400)), no = 0;
    srt_setsockflag(s, SRTO_TRANSTYPE, &live, sizeof live);
    srt_setsockflag(s, SRTO_LATENCY, &latency, sizeof latency);
    srt_setsockflag(s, SRTO_STREAMID, id.data(), int(id.size()));
    // One port for all, and so one pair of libsrt's threads.
    sockaddr_in local{}, to{};
    local.sin_family = to.sin_family = AF_INET;
    local.sin_addr.s_addr = to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    local.sin_port = port_;
    to.sin_port = htons(uint16_t(o.number("port", 0)));
    int length = sizeof local;
    if (srt_bind(s, reinterpret_cast<sockaddr*>(&local), sizeof local) < 0 || srt_connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) {
      fprintf(stderr, "player %zu: %s\n", players_.size(), srt_getlasterror_str());
      exit(1);
    }
    srt_getsockname(s, reinterpret_cast<sockaddr*>(&local), &length);
    port_ = local.sin_port;
    srt_setsockflag(s, SRTO_RCVSYN, &no, sizeof no);
    int negotiated = 0, size = sizeof negotiated;
    srt_getsockflag(s, SRTO_RCVLATENCY, &negotiated, &size);
    Player player;
    player.stream = stream;
    player.latencyNs = int64_t(negotiated) * 1000000 + publisherLatencyNs_;
    players_.emplace(s, std::move(player));
    const int in = SRT_EPOLL_IN | SRT_EPOLL_ERR;
    srt_epoll_add_usock(epoll_, s, &in);
  }

  void read(SRTSOCKET s) {
    const auto found = players_.find(s);
    if (found == players_.end()) return;
    Player& player = found->second;
    char bytes[1500];
    for (;;) {
      const int size = srt_recvmsg(s, bytes, sizeof bytes);
      if (size <= 0) {
        const int error = srt_getlasterror(nullptr);
        if (error == SRT_EASYNCRCV) return;
        // The connection is gone; what is buffered still comes, at its time, until it is "no connection".
        if (error == SRT_ECONNLOST && srt_getsockstate(s) == SRTS_BROKEN && pending(s)) return;
        srt_epoll_remove_usock(epoll_, s);
        player.broken = true;
        return;
      }
      const int64_t now = nowNs();
      Payload payload;
      if (!payload.read(reinterpret_cast<uint8_t*>(bytes), size) || payload.stream != player.stream) {
        altered_++;
        continue;
      }
      messages_++;
      player.tracker.add(payload.counter);
      delay_.add(now - payload.sentNs - player.latencyNs);
    }
  }

  static bool pending(SRTSOCKET s) {
    SRT_TRACEBSTATS stats;
    return srt_bistats(s, &stats, 0, 1) == 0 && stats.pktRcvBuf > 0;
  }

  void say(const char* event) {
    auto u = [](uint64_t v) { return static_cast<unsigned long long>(v); };
    uint64_t unique = 0, duplicated = 0, reordered = 0;
    size_t broken = 0;
    for (auto& [s, p] : players_) unique += p.tracker.unique, duplicated += p.tracker.duplicated, reordered += p.tracker.reordered, broken += p.broken;
    printf("{\"event\":\"%s\",\"players\":%zu,\"broken\":%zu,\"messages\":%llu,\"altered\":%llu,\"unique\":%llu,\"duplicated\":%llu,\"reordered\":%llu,\"delay\":", event,
           players_.size(), broken, u(messages_), u(altered_), u(unique), u(duplicated), u(reordered));
    delay_.print(stdout);
    // For each player: its stream, one above its highest counter, how many different ones it got.
    printf(",\"received\":[");
    bool first = true;
    for (auto& [s, p] : players_) {
      printf("%s[%u,%llu,%llu]", first ? "" : ",", p.stream, u(p.tracker.next()), u(p.tracker.unique));
      first = false;
    }
    puts("]}");
    fflush(stdout);
  }

  const int64_t publisherLatencyNs_;
  int epoll_;
  uint16_t port_ = 0;
  uint64_t messages_ = 0, altered_ = 0;
  Histogram delay_;
  Commands commands_;
  std::unordered_map<SRTSOCKET, Player> players_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  limitLife(unsigned(options.number("life", 300)));
  return Players(options).run();
}
