#include "js_events.h"

namespace tributary {
namespace {

const char* nameOf(Event::Type type) {
  switch (type) {
    case Event::Type::accepted:
      return "accepted";
    case Event::Type::refused:
      return "refused";
    case Event::Type::connected:
      return "connected";
    case Event::Type::connectFailed:
      return "connect-failed";
    case Event::Type::broken:
      return "broken";
    default:
      return "ended";
  }
}

void setCaller(Napi::Object& object, const Event& event) {
  object.Set("listener", event.listener);
  object.Set("streamId", event.streamId);
  object.Set("address", event.address);
  object.Set("port", event.port);
}

}  // namespace

Napi::Object toJs(Napi::Env env, const Event& event) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", nameOf(event.type));
  switch (event.type) {
    case Event::Type::accepted:
      object.Set("socket", event.socket);
      setCaller(object, event);
      object.Set("latencyMs", event.latencyMs);
      object.Set("encrypted", Napi::Boolean::New(env, event.encrypted));
      object.Set("replaces", event.replaces);
      break;
    case Event::Type::refused:
      setCaller(object, event);
      object.Set("code", event.code);
      object.Set("how", event.closed ? "closed" : "rejected");
      break;
    case Event::Type::connected:
      object.Set("socket", event.socket);
      object.Set("latencyMs", event.latencyMs);
      break;
    case Event::Type::connectFailed:
      object.Set("socket", event.socket);
      object.Set("rejectReason", event.code);
      object.Set("message", event.message);
      break;
    default:
      object.Set("socket", event.socket);
  }
  return object;
}

Napi::Error toJs(Napi::Env env, const SrtFailure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code()));
  error.Set("srtCode", Napi::Number::New(env, failure.srtCode()));
  return error;
}

}  // namespace tributary
