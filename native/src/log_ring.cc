#include "log_ring.h"

#include <cctype>
#include <cstring>

namespace tributary {
namespace {

constexpr char kSecretPrefix[] = "live_";
constexpr size_t kSecretPrefixBytes = sizeof kSecretPrefix - 1;

/** Copies one line, without its end and without publisher ids (they are the right to go live). */
void copyMasked(const char* from, char* to, size_t room) {
  size_t used = 0;
  // What is left of the head that libsrt was told to leave out.
  while (*from == ':' || *from == ' ') from++;
  while (*from != '\0' && *from != '\n' && used + kSecretPrefixBytes + 2 < room) {
    if (std::strncmp(from, kSecretPrefix, kSecretPrefixBytes) != 0) {
      to[used++] = *from++;
      continue;
    }
    std::memcpy(to + used, "live_*", kSecretPrefixBytes + 1);
    used += kSecretPrefixBytes + 1;
    from += kSecretPrefixBytes;
    while (std::isalnum(static_cast<unsigned char>(*from))) from++;
  }
  to[used] = '\0';
}

}  // namespace

LogRing& LogRing::instance() {
  // Never destroyed: libsrt's threads may still log while the process exits.
  static LogRing* ring = new LogRing();
  return *ring;
}

void LogRing::push(int level, const char* text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (count_ == kLines) {
    dropped_++;
    return;
  }
  Slot& slot = slots_[(first_ + count_++) % kLines];
  slot.level = level;
  copyMasked(text, slot.text, kLineBytes);
}

uint64_t LogRing::take(std::vector<LogLine>& out) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (; count_ > 0; count_--) {
    out.push_back({slots_[first_].level, slots_[first_].text});
    first_ = (first_ + 1) % kLines;
  }
  const uint64_t dropped = dropped_;
  dropped_ = 0;
  return dropped;
}

}  // namespace tributary
