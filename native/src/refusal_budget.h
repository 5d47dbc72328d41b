#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tributary {

/**
 * How often a source address may be let in only to be closed: so many times a minute. A table of fixed size: when a source finds no
 * room, it has no budget. Not thread-safe.
 */
class RefusalBudget {
 public:
  explicit RefusalBudget(int perMinute) : perMinute_(perMinute) {}

  /** Takes one; false when the source has none left. `source` is a `sourceKey`. */
  bool take(uint64_t source, int64_t nowMs);

 private:
  static constexpr size_t kRows = 1024;
  static constexpr size_t kProbes = 8;
  static constexpr int64_t kWindowMs = 60'000;
  struct Row {
    uint64_t source = 0;
    int64_t sinceMs = 0;
    int used = 0;
  };

  const int perMinute_;
  std::array<Row, kRows> rows_;
};

}  // namespace tributary
