#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tributary {

/**
 * How often somebody may be let in only to be closed: so many times a minute. A table of fixed size: who finds no room has no budget.
 * Not thread-safe.
 */
class RefusalBudget {
 public:
  explicit RefusalBudget(int perMinute) : perMinute_(perMinute) {}

  /** Takes one; false when there is none left. `source` stands for an address, or for one that asks for one stream id; never 0. */
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
