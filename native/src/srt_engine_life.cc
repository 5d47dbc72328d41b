// From the first to the last moment of an SrtEngine; what it does between stands in srt_engine.cc.
#include <exception>

#include "js_args.h"
#include "srt_engine.h"

namespace tributary {

SrtEngine::SrtEngine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SrtEngine>(info) {
  const Napi::Env env = info.Env();
  const Napi::Object from = objectArg(info, 0, "options");
  const EngineOptions options = engineOptions(from);
  const Napi::Value onWake = from.Get("onWake");
  if (!onWake.IsFunction()) throw Napi::TypeError::New(env, "onWake must be a function");
  auto wake = std::make_unique<WakeFunction>(env, onWake);
  if (!wake->isValid()) throw Napi::Error::New(env, "Node gave no thread-safe function");
  try {
    engine_ = std::make_unique<Engine>(options, [function = wake.get()] { function->call(); });
  } catch (const std::exception& failure) {
    throw Napi::Error::New(env, failure.what());
  }
  wake_ = std::move(wake);
  exposeSlots(env, info.This().As<Napi::Object>());
  // Registered after the thread-safe function, so that it runs before Node takes that one down (hooks run in reverse).
  if (napi_add_async_cleanup_hook(env, onEnvironmentEnd, this, &hook_) != napi_ok) {
    tearDown();
    throw Napi::Error::New(env, "Node gave no cleanup hook");
  }
  Ref();
}

SrtEngine::~SrtEngine() { tearDown(); }

void SrtEngine::exposeSlots(Napi::Env env, const Napi::Object& self) {
  auto* held = new std::shared_ptr<Slots>(engine_->slots());
  Slots& slots = **held;
  const auto block =
      Napi::ArrayBuffer::New(env, slots.block(), slots.blockBytes(), [held](Napi::Env, void*) { delete held; });
  const auto count = static_cast<size_t>(slots.count());
  const auto expose = [&](const char* name, const Napi::Value& array) {
    Napi::Object(self).DefineProperty(Napi::PropertyDescriptor::Value(name, array, napi_enumerable));
  };
  expose("sourceTimesUs", Napi::Float64Array::New(env, count, block, 0));
  expose("lengths", Napi::Int32Array::New(env, count, block, slots.lengthsOffset()));
  expose("runs", Napi::Int32Array::New(env, count * 3, block, slots.runsOffset()));
  expose("arena", Napi::Uint8Array::New(env, count * kSlotBytes, block, slots.arenaOffset()));
}

Engine& SrtEngine::use(const Info& info) {
  if (engine_) return *engine_;
  Napi::Error error = Napi::Error::New(info.Env(), "this SRT engine is disposed");
  error.Set("code", Napi::String::New(info.Env(), "SRT_DISPOSED"));
  throw error;
}

void SrtEngine::dispose(const Info&) {
  if (!engine_) return;
  tearDown();
  napi_remove_async_cleanup_hook(hook_);
  hook_ = nullptr;
  Unref();
}

/** The order matters: the poll thread calls the wake function until it is joined. */
void SrtEngine::tearDown() {
  if (engine_) engine_->shutdown();
  if (wake_) wake_->close();
  engine_.reset();
  wake_.reset();
}

void SrtEngine::onEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* self) {
  static_cast<SrtEngine*>(self)->tearDown();
  napi_remove_async_cleanup_hook(handle);
}

}  // namespace tributary
