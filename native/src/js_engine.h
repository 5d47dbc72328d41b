#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "wake_function.h"

namespace tributary {

/**
 * The life of an engine's JavaScript object, from its first to its last moment: it owns a `Core`, which has a thread that calls the wake
 * function and a `shutdown` that ends it. The object keeps itself alive until `dispose` or until its environment ends, whichever comes first.
 */
template <typename Self, typename Core>
class JsEngine : public Napi::ObjectWrap<Self> {
 public:
  ~JsEngine() override { tearDown(); }

 protected:
  using Info = Napi::CallbackInfo;
  using Wake = std::function<void()>;

  /** `name` as in "this SRT engine is disposed", `code` of that error. */
  JsEngine(const Info& info, const char* name, const char* code)
      : Napi::ObjectWrap<Self>(info), name_(name), code_(code) {}

  /**
   * Once, by the constructor: `make` gives the core, `expose` shows its memory to JavaScript.
   * @throws TypeError when `onWake` of the options is no function; Error when the core, or Node, fails
   */
  template <typename Make, typename Expose>
  void begin(const Napi::Object& options, const Make& make, const Expose& expose) {
    const Napi::Env env = options.Env();
    const Napi::Value onWake = options.Get("onWake");
    if (!onWake.IsFunction()) throw Napi::TypeError::New(env, "onWake must be a function");
    auto wake = std::make_unique<WakeFunction>(env, onWake);
    if (!wake->isValid()) throw Napi::Error::New(env, "Node gave no thread-safe function");
    try {
      core_ = make(Wake([function = wake.get()] { function->call(); }));
    } catch (const std::exception& failure) {
      throw Napi::Error::New(env, failure.what());
    }
    wake_ = std::move(wake);
    expose(*core_);
    // Registered after the thread-safe function, so that it runs before Node takes that one down (hooks run in reverse).
    if (napi_add_async_cleanup_hook(env, onEnvironmentEnd, this, &hook_) != napi_ok) {
      tearDown();
      throw Napi::Error::New(env, "Node gave no cleanup hook");
    }
    this->Ref();
  }

  /** @throws Error with the code of the constructor, once it is disposed */
  Core& use(const Info& info) {
    if (core_) return *core_;
    Napi::Error error = Napi::Error::New(info.Env(), std::string("this ") + name_ + " is disposed");
    error.Set("code", Napi::String::New(info.Env(), code_));
    throw error;
  }

  void end() {
    if (!core_) return;
    tearDown();
    napi_remove_async_cleanup_hook(hook_);
    hook_ = nullptr;
    this->Unref();
  }

  /** The block that both sides share; it lives as long as either holds it. */
  template <typename Slots>
  static Napi::ArrayBuffer sharedBlock(Napi::Env env, const std::shared_ptr<Slots>& slots) {
    auto* held = new std::shared_ptr<Slots>(slots);
    return Napi::ArrayBuffer::New(env, slots->block(), slots->blockBytes(), [held](Napi::Env, void*) { delete held; });
  }

  static void expose(Napi::Object self, const char* name, const Napi::Value& array) {
    self.DefineProperty(Napi::PropertyDescriptor::Value(name, array, napi_enumerable));
  }

 private:
  /** The order matters: the core's thread calls the wake function until it has ended. */
  void tearDown() {
    if (core_) core_->shutdown();
    if (wake_) wake_->close();
    core_.reset();
    wake_.reset();
  }

  static void onEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* self) {
    static_cast<JsEngine*>(self)->tearDown();
    napi_remove_async_cleanup_hook(handle);
  }

  const char* const name_;
  const char* const code_;
  std::unique_ptr<WakeFunction> wake_;
  std::unique_ptr<Core> core_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace tributary
