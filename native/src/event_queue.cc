#include "event_queue.h"

#include <utility>

namespace tributary {

void EventQueue::push(Event event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  events_.push_back(std::move(event));
  size_.store(events_.size(), std::memory_order_release);
}

void EventQueue::pushRefused(Event event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (refusals_ == kMostRefusals) {
    unreported_++;
    return;
  }
  refusals_++;
  events_.push_back(std::move(event));
  size_.store(events_.size(), std::memory_order_release);
}

uint64_t EventQueue::take(std::vector<Event>& out) {
  const std::lock_guard<std::mutex> lock(mutex_);
  out.swap(events_);
  events_.clear();
  refusals_ = 0;
  size_.store(0, std::memory_order_release);
  return std::exchange(unreported_, 0);
}

}  // namespace tributary
