#include "wake_function.h"

namespace tributary {

WakeFunction::WakeFunction(napi_env env, napi_value onWake) {
  napi_value name;
  if (napi_create_string_utf8(env, "tributary wake", NAPI_AUTO_LENGTH, &name) != napi_ok) return;
  isClosed_ = new std::atomic<bool>(false);
  const napi_status status = napi_create_threadsafe_function(env, onWake, nullptr, name, 1, 1, isClosed_, onFinalize,
                                                             isClosed_, onCall, &function_);
  if (status == napi_ok) return;
  function_ = nullptr;
  delete isClosed_;
  isClosed_ = nullptr;
}

void WakeFunction::call() {
  // A full queue is as good: JavaScript is going to wake.
  if (!isClosed_->load(std::memory_order_acquire)) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void WakeFunction::close() {
  if (function_ == nullptr) return;
  isClosed_->store(true, std::memory_order_release);
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
  function_ = nullptr;
}

void WakeFunction::onCall(napi_env env, napi_value onWake, void* context, void*) {
  // Without an environment this is the tear-down of the queue.
  if (env == nullptr || static_cast<std::atomic<bool>*>(context)->load(std::memory_order_acquire)) return;
  napi_value receiver;
  if (napi_get_undefined(env, &receiver) != napi_ok) return;
  if (napi_call_function(env, receiver, onWake, 0, nullptr, nullptr) != napi_pending_exception) return;
  napi_value exception;
  // As if a timer had thrown: uncaughtException, then the end of the environment.
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

void WakeFunction::onFinalize(napi_env, void* data, void*) { delete static_cast<std::atomic<bool>*>(data); }

}  // namespace tributary
