// What the bench's programs share: a clock, a histogram, exact accounting of payloads, and the few words that they obey on standard input.
#pragma once
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace bench {

inline int64_t clockNs(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}
inline int64_t nowNs() { return clockNs(CLOCK_MONOTONIC); }
/// To take a kernel timestamp (wall clock) to the monotonic clock.
inline int64_t wallToMonotonicNs() { return nowNs() - clockNs(CLOCK_REALTIME); }

inline uint32_t read32(const uint8_t* p) { return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | p[3]; }
inline uint16_t read16(const uint8_t* p) { return uint16_t(p[0] << 8 | p[1]); }
inline void write32(uint8_t* p, uint32_t v) { p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v; }
inline void write16(uint8_t* p, uint16_t v) { p[0] = v >> 8, p[1] = v; }

/// Durations in 16 buckets for each doubling: 6 % wide at the most.
class Histogram {
 public:
  void add(int64_t ns) {
    if (ns < 0) negative_++, ns = 0;
    if (ns > max_) max_ = ns;
    counts_[bucketOf(uint64_t(ns))]++;
  }
  void clear() { *this = Histogram(); }
  /// {"maxNs":…,"negative":…,"buckets":[[lowest ns,count],…]}, empty buckets left out.
  void print(FILE* to) const {
    fprintf(to, "{\"maxNs\":%lld,\"negative\":%llu,\"buckets\":[", static_cast<long long>(max_), static_cast<unsigned long long>(negative_));
    bool first = true;
    for (int i = 0; i < BUCKETS; i++) {
      if (counts_[i] == 0) continue;
      fprintf(to, "%s[%llu,%llu]", first ? "" : ",", static_cast<unsigned long long>(lowest(i)), static_cast<unsigned long long>(counts_[i]));
      first = false;
    }
    fputs("]}", to);
  }

 private:
  static constexpr int BUCKETS = 16 * 40;
  static int bucketOf(uint64_t ns) {
    if (ns < 16) return int(ns);
    const int shift = 59 - __builtin_clzll(ns);
    const int bucket = 16 * (shift + 1) + int((ns >> shift) & 15);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
  }
  static uint64_t lowest(int bucket) { return bucket < 16 ? uint64_t(bucket) : uint64_t(16 + bucket % 16) << (bucket / 16 - 1); }

  uint64_t counts_[BUCKETS] = {};
  int64_t max_ = 0;
  uint64_t negative_ = 0;
};

/// The first bytes of each payload, and its last four.
struct Payload {
  static constexpr int BYTES = 1316;
  static constexpr uint32_t MAGIC = 0x74726942;
  uint32_t magic, stream;
  uint64_t counter;
  int64_t sentNs;

  void write(uint8_t* to) const {
    memcpy(to, this, sizeof *this);
    const uint32_t mark = uint32_t(counter) ^ MAGIC;
    memcpy(to + BYTES - 4, &mark, 4);
  }
  /// False where the bytes are not what was sent.
  bool read(const uint8_t* from, int size) {
    if (size != BYTES) return false;
    memcpy(this, from, sizeof *this);
    uint32_t mark;
    memcpy(&mark, from + BYTES - 4, 4);
    return magic == MAGIC && mark == (uint32_t(counter) ^ MAGIC);
  }
};

/// Which counters of one stream have arrived: lost, duplicated and reordered, exactly.
class Tracker {
 public:
  void add(uint64_t counter) {
    if (counter >= next_) {
      for (; next_ < counter; next_++) clear(next_);
      mark(next_++);
      unique++;
    } else if (next_ - counter > WINDOW || marked(counter)) {
      duplicated++;
    } else {
      mark(counter);
      unique++, reordered++;
    }
  }
  /// One above the highest counter that has arrived.
  uint64_t next() const { return next_; }
  uint64_t unique = 0, duplicated = 0, reordered = 0;

 private:
  static constexpr uint64_t WINDOW = 1 << 16;
  bool marked(uint64_t c) const { return bits_[(c % WINDOW) >> 6] >> (c & 63) & 1; }
  void mark(uint64_t c) { bits_[(c % WINDOW) >> 6] |= 1ull << (c & 63); }
  void clear(uint64_t c) { bits_[(c % WINDOW) >> 6] &= ~(1ull << (c & 63)); }

  std::vector<uint64_t> bits_ = std::vector<uint64_t>(WINDOW / 64);
  uint64_t next_ = 0;
};

/// Command lines on standard input; its end stops the program, so that none outlives the bench.
class Commands {
 public:
  /// The next whole line, or nothing. Never blocks.
  bool take(std::string& line) {
    pollfd p{0, POLLIN, 0};
    while (!ended_ && text_.find('\n') == std::string::npos && poll(&p, 1, 0) > 0) {
      char chunk[512];
      const ssize_t n = read(0, chunk, sizeof chunk);
      if (n <= 0) ended_ = true;
      else text_.append(chunk, size_t(n));
    }
    const size_t end = text_.find('\n');
    if (end == std::string::npos) return ended_ ? (line = "stop", true) : false;
    line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return true;
  }

 private:
  std::string text_;
  bool ended_ = false;
};

/// `--name value` pairs.
class Options {
 public:
  Options(int argc, char** argv) : args_(argv + 1, argv + argc) {}
  std::string text(const char* name, const char* byDefault) const {
    for (size_t i = 0; i + 1 < args_.size(); i += 2)
      if (args_[i] == std::string("--") + name) return args_[i + 1];
    return byDefault;
  }
  long number(const char* name, long byDefault) const {
    const std::string value = text(name, "");
    return value.empty() ? byDefault : atol(value.c_str());
  }
  std::vector<std::string> list(const char* name) const {
    std::vector<std::string> out;
    const std::string value = text(name, "");
    for (size_t at = 0; at < value.size();) {
      const size_t end = std::min(value.find(',', at), value.size());
      out.push_back(value.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

 private:
  std::vector<std::string> args_;
};

/// No program of the bench runs for longer, whatever happens.
inline void limitLife(unsigned seconds) { alarm(seconds); }

}  // namespace bench
