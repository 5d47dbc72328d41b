#pragma once

#include <cstdint>

namespace tributary {

/** For seeded hash tables: every bit of the result hangs on every bit of both. */
inline uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace tributary
