#include "udp_spill.h"

#include <linux/sock_diag.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tributary {
namespace {

/** A fifth of a second of 20,000 datagrams each. */
constexpr uint64_t kDatagrams = 4'096;
constexpr int kBatch = 64;
/** What a full-sized datagram takes of a receive buffer: the kernel charges its own memory, too. */
constexpr double kChargedBytes = 2'816;
/** A peak of the rate counts, and fades from one reading to the next. */
constexpr double kFading = 0.9;
constexpr int64_t kLeastElapsedNs = 200'000;
constexpr int64_t kLeastWindowNs = 300'000;
constexpr int64_t kMostWindowNs = 1'000'000'000;

}  // namespace

// Not value-initialised: that would touch every page.
UdpSpill::UdpSpill() : ring_(new SpilledDatagram[kDatagrams]), windowNs_(kMostWindowNs) {}

void UdpSpill::add(int descriptor, int socket, int bufferBytes) {
  const auto held = lock();
  sources_.push_back({descriptor, socket, bufferBytes});
  leastBufferBytes_ = std::min(leastBufferBytes_, bufferBytes);
}

void UdpSpill::remove(int socket) {
  const auto held = lock();
  sources_.erase(std::remove_if(sources_.begin(), sources_.end(), [socket](const Source& one) { return one.socket == socket; }),
                 sources_.end());
}

const SpilledDatagram* UdpSpill::take() {
  if (taken_ == filled_) return nullptr;
  const SpilledDatagram* next = &ring_[taken_++ % kDatagrams];
  count_.store(static_cast<int>(filled_ - taken_), std::memory_order_release);
  return next;
}

void UdpSpill::noteRead(int datagrams, int64_t nowNs) {
  const int64_t elapsed = std::max(kLeastElapsedNs, nowNs - readNs_.load(std::memory_order_relaxed));
  const double rate = static_cast<double>(datagrams) * kChargedBytes / static_cast<double>(elapsed);
  bytesPerNs_ = std::max(rate, bytesPerNs_ * kFading);
  // As if all of it went through the smallest one. Of what was read the kernel gives back the last quarter of a buffer late.
  const double thirdNs = bytesPerNs_ > 0 ? static_cast<double>(leastBufferBytes_) / 3 / bytesPerNs_ : static_cast<double>(kMostWindowNs);
  const double bounded = std::clamp(thirdNs, static_cast<double>(kLeastWindowNs), static_cast<double>(kMostWindowNs));
  windowNs_.store(static_cast<int64_t>(bounded), std::memory_order_relaxed);
  readNs_.store(nowNs, std::memory_order_relaxed);
}

int64_t UdpSpill::tend(int64_t nowNs) {
  const int64_t windowNs = windowNs_.load(std::memory_order_relaxed);
  const int64_t restNs = readNs_.load(std::memory_order_relaxed) + windowNs - nowNs;
  if (restNs > 0) return restNs;
  // JavaScript is reading: it is not away.
  const std::unique_lock<std::mutex> held(mutex_, std::try_to_lock);
  if (held.owns_lock()) {
    for (const Source& source : sources_) drain(source);
  }
  return windowNs;
}

void UdpSpill::relieve() {
  const std::unique_lock<std::mutex> held(mutex_, std::try_to_lock);
  if (!held.owns_lock()) return;
  for (const Source& source : sources_) {
    if (isFilling(source)) drain(source);
  }
}

bool UdpSpill::isFilling(const Source& source) {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof memory;
  if (getsockopt(source.descriptor, SOL_SOCKET, SO_MEMINFO, memory, &length) < 0) return false;
  return memory[SK_MEMINFO_RMEM_ALLOC] > memory[SK_MEMINFO_RCVBUF] / 3;
}

void UdpSpill::drain(const Source& source) {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> pieces;
  for (int got = kBatch; got == kBatch;) {
    const uint64_t room = kDatagrams - (filled_ - taken_);
    // What does not fit stays where it is, and is the kernel's to drop.
    const int most = static_cast<int>(std::min<uint64_t>(room, kBatch));
    if (most == 0) return;
    for (int i = 0; i < most; i++) {
      SpilledDatagram& slot = ring_[(filled_ + static_cast<uint64_t>(i)) % kDatagrams];
      pieces[i] = {slot.bytes, sizeof slot.bytes};
      headers[i].msg_hdr = {&slot.name, sizeof slot.name, &pieces[i], 1, slot.control.bytes, sizeof slot.control.bytes, 0};
    }
    got = recvmmsg(source.descriptor, headers.data(), static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; i++) {
      SpilledDatagram& slot = ring_[filled_++ % kDatagrams];
      slot.nameBytes = headers[i].msg_hdr.msg_namelen;
      slot.controlBytes = headers[i].msg_hdr.msg_controllen;
      slot.length = headers[i].msg_len;
      slot.socket = source.socket;
    }
    if (got > 0) spilled_.fetch_add(static_cast<uint64_t>(got), std::memory_order_relaxed);
    count_.store(static_cast<int>(filled_ - taken_), std::memory_order_release);
  }
}

}  // namespace tributary
