// The load maker: so many streams over so many links each, at a fixed number of packets per second, all from one thread and one socket.
//   load --mode bonded|plain|raw|idle --port P --groups G --links L --pps N [--burst B] [--latency MS] [--ids a,b,…]
//        [--first-group N] [--one-by-one 1] [--buffer BYTES]
// Standard input: start, reset, report, stop. Standard output: one line of JSON for each answer.
#include <poll.h>
#include <sys/prctl.h>

#include <memory>

#include "encoder.h"

using namespace bench;

namespace {

Mode modeOf(const std::string& name) {
  return name == "plain" ? Mode::plain : name == "raw" ? Mode::raw : name == "idle" ? Mode::idle : Mode::bonded;
}

class Load {
 public:
  Load(const Options& o)
      : mode_(modeOf(o.text("mode", "bonded"))), pps_(o.number("pps", 1000)), oneByOne_(o.number("one-by-one", 0) != 0), socket_(int(o.number("port", 0)), int(o.number("buffer", 8 << 20))) {
    const auto ids = o.list("ids");
    const int groups = int(o.number("groups", 1)), links = int(o.number("links", 1));
    for (int g = 0; g < groups; g++) {
      const std::string id = size_t(g) < ids.size() ? ids[size_t(g)] : "bench" + std::to_string(g);
      const int at = g + int(o.number("first-group", 0));
      encoders_.push_back(std::make_unique<Encoder>(at, links, int(o.number("burst", 1)), mode_, uint16_t(o.number("latency", 400)), id));
    }
    first_ = int(o.number("first-group", 0));
  }

  int run() {
    for (std::string line;;) {
      const int64_t now = nowNs();
      while (commands_.take(line)) {
        if (line == "stop") return finish();
        obey(line, now);
      }
      turn(now);
      wait(now);
    }
  }

 private:
  /// One round of the loop: what has come, what is due.
  void turn(int64_t now) {
    socket_.receive([&](Link link, const uint8_t* p, int size, int64_t arrival) {
      const size_t index = size_t(link.group - first_);
      if (index < encoders_.size()) encoders_[index]->receive(link.number, p, size, arrival, count_, socket_);
    });
    if (now - tickedNs_ >= (announced_ ? 20000000 : 5000000)) {
      tickedNs_ = now;
      bool ready = true;
      for (auto& e : encoders_) {
        // Many handshakes at once queue at a server, which would take its wait for the way's length and hold a stream back for good.
        if (ready || !oneByOne_) e->tick(now, socket_);
        ready &= e->ready() || e->ended();
      }
      if (ready && !announced_) announced_ = true, say("ready");
    }
    if (running_) sendDue(now);
    socket_.flush();
  }

  void sendDue(int64_t now) {
    uint64_t due = uint64_t(double(now - startedNs_) * double(pps_) / 1e9);
    // Held up itself, it does not make up for it with a burst that no encoder would send.
    const uint64_t most = scheduled_ + uint64_t(pps_) / 250 + encoders_.size();
    if (due > most) {
      const uint64_t skipped = due - most;
      startedNs_ += int64_t(double(skipped) * 1e9 / double(pps_));
      skipped_ += skipped;
      due = most;
    }
    for (; scheduled_ < due; scheduled_++) {
      Encoder& e = *encoders_[turn_];
      if (e.ready()) e.sendPayload(now, socket_), count_.sent++;
      turn_ = (turn_ + 1) % encoders_.size();
    }
  }

  void wait(int64_t now) {
    int64_t until = now + (announced_ ? 5000000 : 1000000);
    if (running_) until = std::max(now + 200000, startedNs_ + int64_t(double(scheduled_ + 1) * 1e9 / double(pps_)));
    const int64_t rest = until - nowNs();
    if (rest <= 0) return;
    // What comes back can wait: it is taken, with the kernel's own time of arrival, at the next turn.
    const timespec t{0, std::min<int64_t>(rest, 5000000)};
    nanosleep(&t, nullptr);
  }

  void obey(const std::string& line, int64_t now) {
    if (line == "start") running_ = true, startedNs_ = now, scheduled_ = 0;
    else if (line == "reset") count_.ackDelay.clear(), count_.sent = 0, skipped_ = 0, windowNs_ = now;
    else if (line == "report") say("report");
  }

  int finish() {
    running_ = false;
    // As an encoder does: everything acknowledged, then SHUTDOWN.
    const int64_t since = nowNs();
    for (;;) {
      bool settled = true;
      for (auto& e : encoders_) settled &= e->settled();
      const int64_t waited = nowNs() - since;
      if (waited > 3000000000 || (settled && waited > 300000000)) break;
      turn(nowNs());
      wait(nowNs());
    }
    say("final");
    for (auto& e : encoders_) e->shutdown(socket_);
    socket_.flush();
    return 0;
  }

  void say(const char* event) {
    int live = 0;
    for (auto& e : encoders_) live += e->ready();
    const LoadCounters& c = count_;
    auto u = [](uint64_t v) { return static_cast<unsigned long long>(v); };
    printf("{\"event\":\"%s\",\"streams\":%zu,\"live\":%d,\"windowNs\":%llu,\"sent\":%llu,\"skipped\":%llu,\"sendFailures\":%llu,", event, encoders_.size(), live,
           u(uint64_t(nowNs() - windowNs_)), u(c.sent), u(skipped_), u(socket_.failed));
    printf("\"retransmitted\":%llu,\"naks\":%llu,\"srtAcks\":%llu,\"echoes\":%llu,\"shutdowns\":%llu,\"rejected\":%llu,", u(c.retransmitted), u(c.naks), u(c.srtAcks),
           u(c.echoes), u(c.shutdowns), u(c.rejected));
    printf("\"acked\":%llu,\"ackedAgain\":%llu,\"ackedWrong\":%llu,\"ackDelay\":", u(c.acked), u(c.ackedAgain), u(c.ackedWrong));
    c.ackDelay.print(stdout);
    printf(",\"sentPerStream\":[");
    for (size_t i = 0; i < encoders_.size(); i++) printf("%s%llu", i ? "," : "", u(encoders_[i]->sent()));
    printf("],\"serverIds\":[");
    for (size_t i = 0; i < encoders_.size(); i++) printf("%s%u", i ? "," : "", encoders_[i]->serverId());
    puts("]}");
    fflush(stdout);
  }

  const Mode mode_;
  const long pps_;
  const bool oneByOne_;
  LinkSocket socket_;
  Commands commands_;
  std::vector<std::unique_ptr<Encoder>> encoders_;
  LoadCounters count_;
  uint64_t scheduled_ = 0, skipped_ = 0;
  size_t turn_ = 0;
  int first_ = 0;
  int64_t startedNs_ = 0, tickedNs_ = 0, windowNs_ = nowNs();
  bool running_ = false, announced_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  limitLife(unsigned(options.number("life", 300)));
  prctl(PR_SET_TIMERSLACK, 1);
  srand(unsigned(nowNs()));
  return Load(options).run();
}
