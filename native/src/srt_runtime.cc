#include "srt_runtime.h"

#include <srt/logging_api.h>
#include <srt/srt.h>
#include <syslog.h>

#include <cstdlib>
#include <mutex>
#include <set>

#include "log_ring.h"

namespace tributary {
namespace {

struct Registry {
  std::mutex mutex;
  std::set<Closable*> closables;
};

Registry& registry() {
  static Registry* kept = new Registry();
  return *kept;
}

void onLog(void*, int level, const char*, int, const char*, const char* message) {
  LogRing::instance().push(level, message);
}

/** Some ways out of Node run no environment hooks, so what is left is closed here: libsrt must not be cleaned up under a thread. */
void atProcessExit() {
  std::set<Closable*> left;
  {
    const std::lock_guard<std::mutex> lock(registry().mutex);
    left.swap(registry().closables);
  }
  for (Closable* closable : left) closable->shutdown();
  srt_cleanup();
  srt_setloghandler(nullptr, nullptr);
}

}  // namespace

void SrtRuntime::ensureStarted() {
  static std::once_flag once;
  std::call_once(once, [] {
    LogRing::instance();
    registry();
    srt_startup();
    srt_setlogflags(SRT_LOGF_DISABLE_TIME | SRT_LOGF_DISABLE_THREADNAME | SRT_LOGF_DISABLE_SEVERITY |
                    SRT_LOGF_DISABLE_EOL);
    srt_setloglevel(LOG_WARNING);
    srt_setloghandler(nullptr, onLog);
    std::atexit(atProcessExit);
  });
}

std::string SrtRuntime::version() {
  const uint32_t version = srt_getversion();
  return std::to_string(version >> 16 & 0xff) + "." + std::to_string(version >> 8 & 0xff) + "." +
         std::to_string(version & 0xff);
}

void SrtRuntime::enlist(Closable* closable) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  registry().closables.insert(closable);
}

void SrtRuntime::delist(Closable* closable) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  registry().closables.erase(closable);
}

}  // namespace tributary
