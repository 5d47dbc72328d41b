#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace tributary {

/**
 * Lets the poll thread wake JavaScript once, and not again before `rearm` and before the tick has passed. Without it a level-triggered
 * epoll would spin for as long as JavaScript has not read.
 */
class WakeGate {
 public:
  using Duration = std::chrono::milliseconds;

  /** `wake` is called on the poll thread. */
  WakeGate(int tickMs, std::function<void()> wake) : tick_(tickMs), wake_(std::move(wake)) {}

  /** JavaScript has taken what there was. */
  void rearm();
  /** Ends every wait, for good. */
  void stop();
  bool isStopped();

  /** Waits until the gate is open, but no longer than `atMost`. */
  bool waitOpen(Duration atMost);
  /** Waits until a tick has passed since the last signal. */
  void waitTick();
  /** Waits, unless it is stopped. */
  void pause(Duration duration);
  /** Shuts the gate and wakes JavaScript. */
  void signal();

 private:
  using Clock = std::chrono::steady_clock;
  const Duration tick_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  bool stopped_ = false;
  Clock::time_point lastSignal_ = Clock::now();
};

}  // namespace tributary
