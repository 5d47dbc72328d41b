// From the first to the last moment of a UdpEngine; what it does between stands in udp_engine.cc.
#include <exception>

#include "js_args.h"
#include "udp_engine.h"

namespace tributary {

UdpEngine::UdpEngine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpEngine>(info) {
  const Napi::Env env = info.Env();
  const Napi::Object from = objectArg(info, 0, "options");
  const UdpOptions options = udpOptions(from);
  const Napi::Value onWake = from.Get("onWake");
  if (!onWake.IsFunction()) throw Napi::TypeError::New(env, "onWake must be a function");
  auto wake = std::make_unique<WakeFunction>(env, onWake);
  if (!wake->isValid()) throw Napi::Error::New(env, "Node gave no thread-safe function");
  try {
    transport_ = std::make_unique<UdpTransport>(options, [function = wake.get()] { function->call(); });
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

UdpEngine::~UdpEngine() { tearDown(); }

void UdpEngine::exposeSlots(Napi::Env env, const Napi::Object& self) {
  auto* held = new std::shared_ptr<UdpSlots>(transport_->slots());
  UdpSlots& slots = **held;
  const auto block =
      Napi::ArrayBuffer::New(env, slots.block(), slots.blockBytes(), [held](Napi::Env, void*) { delete held; });
  const auto expose = [&](const char* name, const Napi::Value& array) {
    Napi::Object(self).DefineProperty(Napi::PropertyDescriptor::Value(name, array, napi_enumerable));
  };
  const auto words = [&](const char* name, int count, size_t at) {
    expose(name, Napi::Int32Array::New(env, static_cast<size_t>(count), block, at));
  };
  expose("arrivalsMs", Napi::Float64Array::New(env, static_cast<size_t>(slots.count()), block, 0));
  words("lengths", slots.count(), slots.lengthsAt());
  words("sockets", slots.count(), slots.socketsAt());
  words("peers", slots.count(), slots.peersAt());
  words("sendTo", slots.entries(), slots.sendToAt());
  words("sendFrom", slots.entries(), slots.sendFromAt());
  words("sendBytes", slots.entries(), slots.sendBytesAt());
  expose("arena", Napi::Uint8Array::New(env, slots.arenaBytes(), block, slots.arenaAt()));
}

UdpTransport& UdpEngine::use(const Info& info) {
  if (transport_) return *transport_;
  Napi::Error error = Napi::Error::New(info.Env(), "this UDP engine is disposed");
  error.Set("code", Napi::String::New(info.Env(), "UDP_DISPOSED"));
  throw error;
}

void UdpEngine::dispose(const Info&) {
  if (!transport_) return;
  tearDown();
  napi_remove_async_cleanup_hook(hook_);
  hook_ = nullptr;
  Unref();
}

/** The order matters: the poller calls the wake function until its thread has ended. */
void UdpEngine::tearDown() {
  if (transport_) transport_->stop();
  if (wake_) wake_->close();
  transport_.reset();
  wake_.reset();
}

void UdpEngine::onEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* self) {
  static_cast<UdpEngine*>(self)->tearDown();
  napi_remove_async_cleanup_hook(handle);
}

}  // namespace tributary
