#pragma once

#include <napi.h>

#include <memory>

#include "engine.h"
#include "wake_function.h"

namespace tributary {

/**
 * The engine as JavaScript sees it: checks arguments, turns failures into errors, and ties the engine's life to the environment's.
 * It keeps itself alive until `dispose` or until the environment ends, whichever comes first.
 */
class SrtEngine : public Napi::ObjectWrap<SrtEngine> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SrtEngine(const Napi::CallbackInfo& info);
  ~SrtEngine() override;

 private:
  using Info = Napi::CallbackInfo;

  Napi::Value listen(const Info& info);
  Napi::Value listenerPort(const Info& info);
  void closeListener(const Info& info);
  Napi::Value connect(const Info& info);
  void allow(const Info& info);
  void forbid(const Info& info);
  void yieldPublisher(const Info& info);
  void refuseAll(const Info& info);
  void refusePublishers(const Info& info);
  Napi::Value takeEvents(const Info& info);
  Napi::Value receive(const Info& info);
  void send(const Info& info);
  Napi::Value sendMessage(const Info& info);
  void rearm(const Info& info);
  Napi::Value stats(const Info& info);
  void close(const Info& info);
  Napi::Value takeLog(const Info& info);
  void dispose(const Info& info);

  /** The engine. @throws Error SRT_DISPOSED */
  Engine& use(const Info& info);
  void exposeSlots(Napi::Env env, const Napi::Object& self);
  void tearDown();
  static void onEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* self);

  std::unique_ptr<WakeFunction> wake_;
  std::unique_ptr<Engine> engine_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace tributary
