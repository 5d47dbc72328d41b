#include "udp_poller.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "udp_arrival_clock.h"
#include "udp_failure.h"

namespace tributary {
namespace {

/** Over what time the rate is taken. */
constexpr int64_t kWindowNs = 10'000'000;
/** How often it looks after the sockets while JavaScript is at it. */
constexpr int kAwayMs = 3;
constexpr int kEvents = 256;
constexpr uint64_t kBell = UINT64_MAX;

int opened(int descriptor, const char* what) {
  if (descriptor < 0) throw UdpFailure::last(what);
  return descriptor;
}

}  // namespace

UdpPoller::UdpPoller(bool paces, int busyPerSecond, UdpSpill& spill, std::function<void()> wake)
    : paces_(paces),
      busyPerSecond_(busyPerSecond),
      spill_(spill),
      wake_(std::move(wake)),
      epoll_(opened(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      bell_(eventfd(0, EFD_CLOEXEC)),
      ready_(kMostUdpSockets / 64) {
  epoll_event want{};
  want.events = EPOLLIN;
  want.data.u64 = kBell;
  if (bell_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &want) < 0) {
    const UdpFailure failure = UdpFailure::last("eventfd");
    close(epoll_);
    if (bell_ >= 0) close(bell_);
    throw failure;
  }
  thread_ = std::thread([this] { run(); });
}

UdpPoller::~UdpPoller() {
  stop();
  close(bell_);
  close(epoll_);
}

void UdpPoller::stop() {
  stopped_.store(true, std::memory_order_release);
  ring();
  if (thread_.joinable()) thread_.join();
}

void UdpPoller::ring() {
  const uint64_t one = 1;
  while (write(bell_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void UdpPoller::add(int descriptor, int socket) {
  const int words = socket / 64 + 1;
  if (words > readyWords_.load(std::memory_order_relaxed)) readyWords_.store(words, std::memory_order_release);
  epoll_event want{};
  // By edges: JavaScript reads until there is nothing, and nobody is woken for what is there anyway.
  want.events = EPOLLIN | EPOLLET;
  want.data.u64 = static_cast<uint64_t>(socket);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &want) < 0) throw UdpFailure::last("epoll_ctl");
}

void UdpPoller::remove(int descriptor) { epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

void UdpPoller::takeReady(std::vector<int>& out) {
  // The thread does not look meanwhile.
  if (busy_) collect(0);
  const int words = readyWords_.load(std::memory_order_acquire);
  for (int word = 0; word < words; word++) {
    if (ready_[word].load(std::memory_order_relaxed) == 0) continue;
    uint64_t bits = ready_[word].exchange(0, std::memory_order_acq_rel);
    for (; bits != 0; bits &= bits - 1) out.push_back(64 * word + __builtin_ctzll(bits));
  }
}

UdpPoller::Next UdpPoller::rearm(int datagrams) {
  const bool wasBusy = busy_;
  busy_ = paces_ && isBusy(datagrams);
  if (busy_) {
    parked_.store(true, std::memory_order_release);
    return later;
  }
  if (wasBusy) {
    // What the thread has seen since it was parked it signals now.
    gate_.store(open, std::memory_order_release);
    parked_.store(false, std::memory_order_release);
    ring();
    return sleep;
  }
  int expected = shut;
  if (gate_.compare_exchange_strong(expected, open, std::memory_order_acq_rel) || expected == open) return sleep;
  gate_.store(shut, std::memory_order_release);
  return more;
}

bool UdpPoller::isBusy(int datagrams) {
  windowDatagrams_ += datagrams;
  const int64_t now = monotonicNs();
  const int64_t elapsed = now - windowNs_;
  if (elapsed < kWindowNs) return busy_;
  const bool busy = windowDatagrams_ * kSecondNs / elapsed >= busyPerSecond_;
  windowNs_ = now;
  windowDatagrams_ = 0;
  return busy;
}

void UdpPoller::run() {
  prctl(PR_SET_NAME, "tributary-udp");
  while (!stopped_.load(std::memory_order_acquire)) {
    // Woken and not back yet, JavaScript may be away for longer than the sockets can hold.
    const bool isAway = gate_.load(std::memory_order_acquire) != open;
    const Found found = collect(isAway ? kAwayMs : -1);
    // Else it would ring on.
    if (found.bell) listen();
    if (isAway) spill_.relieve();
    const bool wasParked = parked_.load(std::memory_order_acquire);
    while (parked_.load(std::memory_order_acquire) && !stopped_.load(std::memory_order_acquire)) tend();
    const bool isOver = !found.sockets && !wasParked && !found.bell;
    if (!isOver && !stopped_.load(std::memory_order_acquire)) signal();
  }
}

UdpPoller::Found UdpPoller::collect(int timeoutMs) {
  epoll_event events[kEvents];
  Found found;
  int count = kEvents;
  for (; count == kEvents; timeoutMs = 0) {
    count = epoll_wait(epoll_, events, kEvents, timeoutMs);
    for (int i = 0; i < count; i++) {
      const uint64_t socket = events[i].data.u64;
      if (socket == kBell) {
        found.bell = true;
        continue;
      }
      found.sockets = true;
      ready_[socket / 64].fetch_or(uint64_t{1} << (socket % 64), std::memory_order_acq_rel);
    }
  }
  return found;
}

void UdpPoller::listen() {
  uint64_t rings;
  while (read(bell_, &rings, sizeof rings) < 0 && errno == EINTR) {
  }
}

void UdpPoller::tend() {
  const int64_t restNs = spill_.tend(monotonicNs());
  const timespec rest{static_cast<time_t>(restNs / kSecondNs), static_cast<long>(restNs % kSecondNs)};
  pollfd bell{bell_, POLLIN, 0};
  if (ppoll(&bell, 1, &rest, nullptr) > 0) listen();
}

void UdpPoller::signal() {
  int expected = open;
  if (gate_.compare_exchange_strong(expected, shut, std::memory_order_acq_rel)) {
    wakeups_.fetch_add(1, std::memory_order_relaxed);
    wake_();
    return;
  }
  // JavaScript is at it, and must look again; unless it has just finished.
  expected = shut;
  if (gate_.compare_exchange_strong(expected, shutWithMore, std::memory_order_acq_rel)) return;
  if (expected == open) signal();
}

}  // namespace tributary
