#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tributary {

/**
 * Token buckets by key: so many at once, then so many a second. A table of fixed size; a key without a row takes one whose bucket is full,
 * which nobody misses, and where there is none, keys share. Not thread-safe.
 */
class TokenTable {
 public:
  TokenTable(double burst, double perSecond) : burst_(burst), perNs_(perSecond / 1e9) {}

  /** Takes one; false when there is none. `key` is spread over all its bits, and not 0. */
  bool take(uint64_t key, int64_t nowNs);

 private:
  static constexpr size_t kRows = 4'096;
  static constexpr size_t kProbes = 4;
  struct Row {
    /** 0: nobody has taken it yet. */
    uint64_t key = 0;
    double tokens = 0;
    int64_t refilledNs = 0;
  };

  Row& rowOf(uint64_t key, int64_t nowNs);
  /** What the row holds now. */
  double level(const Row& row, int64_t nowNs) const;

  const double burst_;
  const double perNs_;
  std::array<Row, kRows> rows_{};
};

}  // namespace tributary
