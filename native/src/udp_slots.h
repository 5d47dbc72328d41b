#pragma once

#include <cstdint>
#include <memory>

#include "udp_options.h"

namespace tributary {

/**
 * What JavaScript and the addon share, in one block: the slots of received datagrams with what is known of each, the table of what is to
 * be sent, and the bytes (slots, then scratch). It lives as long as either side holds it.
 */
class UdpSlots {
 public:
  explicit UdpSlots(const UdpOptions& options)
      : count_(options.slots),
        entries_(options.sendEntries),
        scratchBytes_(options.scratchBytes),
        block_(std::make_unique<double[]>((blockBytes() + sizeof(double) - 1) / sizeof(double))) {}

  int count() const { return count_; }
  int entries() const { return entries_; }
  size_t arenaBytes() const { return kUdpSlotBytes * count_ + scratchBytes_; }

  // By falling alignment.
  size_t lengthsAt() const { return sizeof(double) * count_; }
  size_t socketsAt() const { return lengthsAt() + sizeof(int32_t) * count_; }
  size_t peersAt() const { return socketsAt() + sizeof(int32_t) * count_; }
  size_t sendToAt() const { return peersAt() + sizeof(int32_t) * count_; }
  size_t sendFromAt() const { return sendToAt() + sizeof(int32_t) * entries_; }
  size_t sendBytesAt() const { return sendFromAt() + sizeof(int32_t) * entries_; }
  size_t arenaAt() const { return sendBytesAt() + sizeof(int32_t) * entries_; }
  size_t blockBytes() const { return arenaAt() + arenaBytes(); }

  uint8_t* block() { return reinterpret_cast<uint8_t*>(block_.get()); }
  double* arrivalsMs() { return block_.get(); }
  int32_t* lengths() { return words(lengthsAt()); }
  int32_t* sockets() { return words(socketsAt()); }
  int32_t* peers() { return words(peersAt()); }
  int32_t* sendTo() { return words(sendToAt()); }
  int32_t* sendFrom() { return words(sendFromAt()); }
  int32_t* sendBytes() { return words(sendBytesAt()); }
  uint8_t* arena() { return block() + arenaAt(); }

 private:
  int32_t* words(size_t at) { return reinterpret_cast<int32_t*>(block() + at); }

  const int count_;
  const int entries_;
  const size_t scratchBytes_;
  const std::unique_ptr<double[]> block_;
};

}  // namespace tributary
