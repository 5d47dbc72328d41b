#pragma once

#include <node_api.h>

#include <atomic>

namespace tributary {

/**
 * The `onWake` of JavaScript, callable from the poll thread: a thread-safe function with room for one call, so that calls never queue up.
 * `close` belongs to JavaScript's thread, after the poll thread has been joined.
 */
class WakeFunction {
 public:
  /** Throws into JavaScript and stays empty when Node does not give one. */
  WakeFunction(napi_env env, napi_value onWake);
  ~WakeFunction() { close(); }
  WakeFunction(const WakeFunction&) = delete;
  WakeFunction& operator=(const WakeFunction&) = delete;

  bool isValid() const { return function_ != nullptr; }
  void call();
  void close();

 private:
  static void onCall(napi_env env, napi_value onWake, void* context, void* data);
  static void onFinalize(napi_env env, void* data, void* hint);

  napi_threadsafe_function function_ = nullptr;
  /** Outlives this object: a call may be on its way when it goes. Freed by `onFinalize`. */
  std::atomic<bool>* isClosed_ = nullptr;
};

}  // namespace tributary
