#include "refusal_budget.h"

namespace tributary {

bool RefusalBudget::take(uint64_t source, int64_t nowMs) {
  if (perMinute_ <= 0) return false;
  const uint64_t hash = source * 0x9e3779b97f4a7c15ULL >> 32;
  Row* free = nullptr;
  for (size_t probe = 0; probe < kProbes; probe++) {
    Row& row = rows_[(hash + probe) % kRows];
    const bool lapsed = row.source == 0 || nowMs - row.sinceMs >= kWindowMs;
    if (row.source == source && !lapsed) return row.used < perMinute_ && ++row.used > 0;
    if (lapsed && free == nullptr) free = &row;
  }
  if (free == nullptr) return false;
  *free = Row{source, nowMs, 1};
  return true;
}

}  // namespace tributary
