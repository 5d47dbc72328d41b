#pragma once

#include <napi.h>

#include "js_engine.h"
#include "udp_transport.h"

namespace tributary {

/**
 * The UDP transport as JavaScript sees it: checks arguments, turns failures into errors, and ties the transport's life to the
 * environment's. It keeps itself alive until `dispose` or until the environment ends, whichever comes first.
 */
class UdpEngine : public JsEngine<UdpEngine, UdpTransport> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit UdpEngine(const Napi::CallbackInfo& info);

 private:
  using Info = Napi::CallbackInfo;

  Napi::Value bind(const Info& info);
  Napi::Value connect(const Info& info);
  Napi::Value facts(const Info& info);
  void close(const Info& info);
  Napi::Value peer(const Info& info);
  void hold(const Info& info);
  void release(const Info& info);
  Napi::Value address(const Info& info);
  Napi::Value port(const Info& info);
  Napi::Value localAddress(const Info& info);
  void knowGroup(const Info& info);
  void forgetGroup(const Info& info);
  Napi::Value receive(const Info& info);
  void flush(const Info& info);
  Napi::Value rearm(const Info& info);
  Napi::Value segments(const Info& info);
  void counters(const Info& info);
  void dispose(const Info& info);

  /** A peer number that exists. @throws RangeError */
  int peerArg(const Info& info);
  /** A whole group id. @throws TypeError */
  const uint8_t* groupIdArg(const Info& info);
};

}  // namespace tributary
