// What the addon exports, and what each environment that loads it keeps. Several environments (worker threads) may do so.
#include <napi.h>

#include "js_args.h"
#include "srt_engine.h"
#include "srt_runtime.h"
#include "stream_id.h"
#include "udp_engine.h"

namespace tributary {
namespace {

struct EnvironmentData {
  Napi::FunctionReference engineClass;
  Napi::FunctionReference udpClass;
};

Napi::Value createSrtEngine(const Napi::CallbackInfo& info) {
  const auto* data = info.Env().GetInstanceData<EnvironmentData>();
  const Napi::Value options = info.Length() > 0 ? info[0] : info.Env().Undefined();
  return data->engineClass.New({options});
}

Napi::Value createUdpEngine(const Napi::CallbackInfo& info) {
  const auto* data = info.Env().GetInstanceData<EnvironmentData>();
  const Napi::Value options = info.Length() > 0 ? info[0] : info.Env().Undefined();
  return data->udpClass.New({options});
}

/** For the test that holds it against its twin in JavaScript. */
Napi::Value formsOfStreamId(const Napi::CallbackInfo& info) {
  const Role role = roleArg(info, 1);
  const auto forms = streamIdForms(textArg(info, 0, "streamId", 512), role);
  Napi::Array list = Napi::Array::New(info.Env(), forms.size());
  for (size_t i = 0; i < forms.size(); i++) list.Set(static_cast<uint32_t>(i), forms[i]);
  return list;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* data = new EnvironmentData{Napi::Persistent(SrtEngine::define(env)), Napi::Persistent(UdpEngine::define(env))};
  env.SetInstanceData(data);
  exports.Set("srtVersion", SrtRuntime::version());
  exports.Set("createSrtEngine", Napi::Function::New<createSrtEngine>(env, "createSrtEngine"));
  exports.Set("createUdpEngine", Napi::Function::New<createUdpEngine>(env, "createUdpEngine"));
  exports.Set("streamIdForms", Napi::Function::New<formsOfStreamId>(env, "streamIdForms"));
  return exports;
}

}  // namespace
}  // namespace tributary

static Napi::Object initialize(Napi::Env env, Napi::Object exports) { return tributary::initialize(env, exports); }

NODE_API_MODULE(tributary, initialize)
