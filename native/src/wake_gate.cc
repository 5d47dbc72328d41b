#include "wake_gate.h"

namespace tributary {

void WakeGate::rearm() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
  }
  changed_.notify_one();
}

void WakeGate::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

bool WakeGate::isStopped() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stopped_;
}

bool WakeGate::waitOpen(Duration atMost) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, atMost, [this] { return open_ || stopped_; });
  return open_;
}

void WakeGate::waitTick() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_until(lock, lastSignal_ + tick_, [this] { return stopped_; });
}

void WakeGate::pause(Duration duration) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, duration, [this] { return stopped_; });
}

void WakeGate::signal() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    open_ = false;
    lastSignal_ = Clock::now();
  }
  wake_();
}

}  // namespace tributary
