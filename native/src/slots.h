#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tributary {

/** Bytes from one slot to the next: more than the largest SRT payload. `SRT_SLOT_BYTES` in JavaScript. */
constexpr size_t kSlotBytes = 1500;

/**
 * The receive slots, in one block that JavaScript sees as typed arrays. Shared: it lives as long as either side holds it, so that nothing
 * JavaScript does can pull it from under a batch.
 */
class Slots {
 public:
  explicit Slots(int count)
      : count_(count), block_(std::make_unique<double[]>((bytes(count) + sizeof(double) - 1) / sizeof(double))) {}

  int count() const { return count_; }
  uint8_t* block() { return reinterpret_cast<uint8_t*>(block_.get()); }
  size_t blockBytes() const { return bytes(count_); }

  // By falling alignment: source times, then the two int32 tables, then the arena.
  size_t lengthsOffset() const { return sizeof(double) * count_; }
  size_t runsOffset() const { return lengthsOffset() + sizeof(int32_t) * count_; }
  size_t arenaOffset() const { return runsOffset() + sizeof(int32_t) * 3 * count_; }

  double* sourceTimesUs() { return block_.get(); }
  int32_t* lengths() { return reinterpret_cast<int32_t*>(block() + lengthsOffset()); }
  int32_t* runs() { return reinterpret_cast<int32_t*>(block() + runsOffset()); }
  char* slot(int index) { return reinterpret_cast<char*>(block() + arenaOffset() + kSlotBytes * index); }

 private:
  static size_t bytes(int count) { return (sizeof(double) + 4 * sizeof(int32_t) + kSlotBytes) * count; }

  const int count_;
  const std::unique_ptr<double[]> block_;
};

}  // namespace tributary
