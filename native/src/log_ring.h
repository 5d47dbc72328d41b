#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace tributary {

struct LogLine {
  int level;
  std::string text;
};

/**
 * libsrt's log, which belongs to the process: bounded, filled by libsrt's threads (while they hold locks of their own, so it does no more
 * than copy), drained by JavaScript. Never calls anybody.
 */
class LogRing {
 public:
  static LogRing& instance();

  /** `level` as in syslog. Text beyond a line's room is cut; what looks like a publisher id is masked. */
  void push(int level, const char* text);
  /** Moves all lines to `out` and returns how many were lost since the last call. */
  uint64_t take(std::vector<LogLine>& out);

 private:
  static constexpr size_t kLines = 256;
  static constexpr size_t kLineBytes = 320;
  struct Slot {
    int level;
    char text[kLineBytes];
  };

  std::mutex mutex_;
  std::array<Slot, kLines> slots_;
  size_t first_ = 0;
  size_t count_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace tributary
