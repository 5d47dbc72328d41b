#include "token_table.h"

#include <algorithm>

namespace tributary {

bool TokenTable::take(uint64_t key, int64_t nowNs) {
  Row& row = rowOf(key, nowNs);
  const double tokens = level(row, nowNs);
  if (tokens < 1) return false;
  row.tokens = tokens - 1;
  row.refilledNs = nowNs;
  return true;
}

TokenTable::Row& TokenTable::rowOf(uint64_t key, int64_t nowNs) {
  const uint64_t home = key >> 32;
  Row* free = nullptr;
  for (size_t probe = 0; probe < kProbes; probe++) {
    Row& row = rows_[(home + probe) % kRows];
    if (row.key == key) return row;
    if (free == nullptr && (row.key == 0 || level(row, nowNs) >= burst_)) free = &row;
  }
  if (free == nullptr) return rows_[home % kRows];
  *free = Row{key, burst_, nowNs};
  return *free;
}

double TokenTable::level(const Row& row, int64_t nowNs) const {
  const auto elapsedNs = static_cast<double>(std::max<int64_t>(0, nowNs - row.refilledNs));
  return std::min(burst_, row.tokens + elapsedNs * perNs_);
}

}  // namespace tributary
