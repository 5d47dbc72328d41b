#pragma once

#include <chrono>
#include <cstdint>

namespace tributary {

/** Milliseconds of the monotonic clock. */
inline int64_t steadyMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace tributary
