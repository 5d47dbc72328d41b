#pragma once

#include <napi.h>

#include "engine.h"
#include "js_engine.h"

namespace tributary {

/**
 * The engine as JavaScript sees it: checks arguments, turns failures into errors, and ties the engine's life to the environment's.
 * It keeps itself alive until `dispose` or until the environment ends, whichever comes first.
 */
class SrtEngine : public JsEngine<SrtEngine, Engine> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SrtEngine(const Napi::CallbackInfo& info);

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
  void look(const Info& info);
  Napi::Value receive(const Info& info);
  void send(const Info& info);
  Napi::Value sendMessage(const Info& info);
  Napi::Value queuedEvents(const Info& info);
  void rearm(const Info& info);
  Napi::Value stats(const Info& info);
  void close(const Info& info);
  Napi::Value takeLog(const Info& info);
  void dispose(const Info& info);
};

}  // namespace tributary
