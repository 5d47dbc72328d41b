#include "srt_engine.h"

#include <limits>
#include <vector>

#include "js_args.h"
#include "js_events.h"
#include "log_ring.h"
#include "socket_flags.h"
#include "stats.h"

namespace tributary {
namespace {

constexpr int kMostNumber = std::numeric_limits<int>::max();
constexpr size_t kMostIdBytes = 512;

int socketArg(const Napi::CallbackInfo& info, size_t index) {
  return intArg(info, index, "socket", std::numeric_limits<int>::min(), kMostNumber);
}

}  // namespace

Napi::Function SrtEngine::define(Napi::Env env) {
  return DefineClass(env, "SrtEngine",
                     {
                         InstanceMethod<&SrtEngine::listen>("listen"),
                         InstanceMethod<&SrtEngine::listenerPort>("listenerPort"),
                         InstanceMethod<&SrtEngine::closeListener>("closeListener"),
                         InstanceMethod<&SrtEngine::connect>("connect"),
                         InstanceMethod<&SrtEngine::allow>("allow"),
                         InstanceMethod<&SrtEngine::forbid>("forbid"),
                         InstanceMethod<&SrtEngine::yieldPublisher>("yieldPublisher"),
                         InstanceMethod<&SrtEngine::refuseAll>("refuseAll"),
                         InstanceMethod<&SrtEngine::refusePublishers>("refusePublishers"),
                         InstanceMethod<&SrtEngine::takeEvents>("takeEvents"),
                         InstanceMethod<&SrtEngine::look>("look"),
                         InstanceMethod<&SrtEngine::receive>("receive"),
                         InstanceMethod<&SrtEngine::send>("send"),
                         InstanceMethod<&SrtEngine::sendMessage>("sendMessage"),
                         InstanceMethod<&SrtEngine::queuedEvents>("queuedEvents"),
                         InstanceMethod<&SrtEngine::rearm>("rearm"),
                         InstanceMethod<&SrtEngine::stats>("stats"),
                         InstanceMethod<&SrtEngine::close>("close"),
                         InstanceMethod<&SrtEngine::takeLog>("takeLog"),
                         InstanceMethod<&SrtEngine::dispose>("dispose"),
                     });
}

SrtEngine::SrtEngine(const Info& info) : JsEngine(info, "SRT engine", "SRT_DISPOSED") {
  const Napi::Object from = objectArg(info, 0, "options");
  const EngineOptions options = engineOptions(from);
  const Napi::Env env = info.Env();
  const auto self = info.This().As<Napi::Object>();
  begin(
      from, [&](Wake wake) { return std::make_unique<Engine>(options, std::move(wake)); },
      [&](Engine& engine) {
        Slots& slots = *engine.slots();
        const auto block = sharedBlock(env, engine.slots());
        const auto count = static_cast<size_t>(slots.count());
        expose(self, "sourceTimesUs", Napi::Float64Array::New(env, count, block, 0));
        expose(self, "lengths", Napi::Int32Array::New(env, count, block, slots.lengthsOffset()));
        expose(self, "runs", Napi::Int32Array::New(env, count * 3, block, slots.runsOffset()));
        expose(self, "arena", Napi::Uint8Array::New(env, count * kSlotBytes, block, slots.arenaOffset()));
      });
}

void SrtEngine::dispose(const Info&) { end(); }

Napi::Value SrtEngine::listen(const Info& info) {
  use(info);
  const ListenOptions options = listenOptions(objectArg(info, 0, "options"));
  try {
    // Asked for again: a getter of the options may have disposed of it.
    return Napi::Number::New(info.Env(), use(info).listen(options));
  } catch (const SrtFailure& failure) {
    throw toJs(info.Env(), failure);
  }
}

Napi::Value SrtEngine::listenerPort(const Info& info) {
  return Napi::Number::New(info.Env(), use(info).listenerPort(socketArg(info, 0)));
}

void SrtEngine::closeListener(const Info& info) { use(info).closeListener(socketArg(info, 0)); }

Napi::Value SrtEngine::connect(const Info& info) {
  use(info);
  const ConnectOptions options = connectOptions(objectArg(info, 0, "options"));
  try {
    return Napi::Number::New(info.Env(), use(info).connect(options));
  } catch (const SrtFailure& failure) {
    throw toJs(info.Env(), failure);
  }
}

void SrtEngine::allow(const Info& info) {
  use(info);
  const Role role = roleArg(info, 0);
  const std::string id = textArg(info, 1, "streamId", kMostIdBytes);
  const Access access = accessOptions(objectArg(info, 2, "access"));
  use(info).admission().allow(role, id, access);
}

void SrtEngine::forbid(const Info& info) {
  Engine& engine = use(info);
  const Role role = roleArg(info, 0);
  const std::string id = textArg(info, 1, "streamId", kMostIdBytes);
  engine.admission().forbid(role, id, info.Length() > 2 && info[2].ToBoolean());
}

void SrtEngine::yieldPublisher(const Info& info) { use(info).admission().yield(socketArg(info, 0)); }

void SrtEngine::refuseAll(const Info& info) { use(info).admission().refuseAll(boolArg(info, 0, "refuse")); }

void SrtEngine::refusePublishers(const Info& info) {
  use(info).admission().refusePublishers(boolArg(info, 0, "refuse"));
}

Napi::Value SrtEngine::takeEvents(const Info& info) {
  std::vector<Event> events;
  const uint64_t unreported = use(info).events().take(events);
  if (unreported > 0)
    LogRing::instance().push(4, (std::to_string(unreported) + " refused callers were not reported one by one").c_str());
  Napi::Array list = Napi::Array::New(info.Env(), events.size());
  for (size_t i = 0; i < events.size(); i++) list.Set(static_cast<uint32_t>(i), toJs(info.Env(), events[i]));
  return list;
}

void SrtEngine::look(const Info& info) { use(info).look(); }

Napi::Value SrtEngine::receive(const Info& info) { return Napi::Number::New(info.Env(), use(info).receive()); }

void SrtEngine::send(const Info& info) {
  Engine& engine = use(info);
  const auto sockets = typedArrayArg<Napi::Int32Array>(info, 0, "sockets", napi_int32_array, 0);
  const int count = intArg(info, 1, "socketCount", 0, kMostNumber);
  const int slots = engine.slots()->count();
  const int first = intArg(info, 2, "firstSlot", 0, slots);
  const int slotCount = intArg(info, 3, "slotCount", 0, slots - first);
  auto dropped = typedArrayArg<Napi::Float64Array>(info, 4, "dropped", napi_float64_array, count);
  if (sockets.ElementLength() < static_cast<size_t>(count))
    throw Napi::TypeError::New(info.Env(), "sockets has fewer elements than socketCount");
  engine.send(sockets.Data(), count, first, slotCount, dropped.Data());
}

Napi::Value SrtEngine::sendMessage(const Info& info) {
  Engine& engine = use(info);
  const int socket = socketArg(info, 0);
  const auto message = typedArrayArg<Napi::Uint8Array>(info, 1, "message", napi_uint8_array, 1);
  if (message.ElementLength() > kPayloadBytes)
    throw Napi::TypeError::New(info.Env(), "message must not be longer than " + std::to_string(kPayloadBytes) + " bytes");
  const double timeUs = info.Length() > 2 && info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : -1;
  if (!(timeUs >= 0 && timeUs <= 9007199254740991.0))
    throw Napi::TypeError::New(info.Env(), "sourceTimeUs must be a time in µs, or 0");
  const auto* bytes = reinterpret_cast<const char*>(message.Data());
  const int length = static_cast<int>(message.ElementLength());
  return Napi::Number::New(info.Env(), engine.sendMessage(socket, bytes, length, static_cast<int64_t>(timeUs)));
}

Napi::Value SrtEngine::queuedEvents(const Info& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(use(info).events().size()));
}

void SrtEngine::rearm(const Info& info) { use(info).rearm(); }

Napi::Value SrtEngine::stats(const Info& info) {
  Engine& engine = use(info);
  const int socket = socketArg(info, 0);
  auto out = typedArrayArg<Napi::Float64Array>(info, 1, "out", napi_float64_array, kStatsFields);
  return Napi::Boolean::New(info.Env(), engine.stats(socket, out.Data()));
}

void SrtEngine::close(const Info& info) { use(info).close(socketArg(info, 0)); }

Napi::Value SrtEngine::takeLog(const Info& info) {
  use(info);
  std::vector<LogLine> lines;
  const uint64_t dropped = LogRing::instance().take(lines);
  Napi::Array list = Napi::Array::New(info.Env(), lines.size());
  for (size_t i = 0; i < lines.size(); i++) {
    Napi::Object line = Napi::Object::New(info.Env());
    line.Set("level", lines[i].level);
    line.Set("text", lines[i].text);
    list.Set(static_cast<uint32_t>(i), line);
  }
  Napi::Object log = Napi::Object::New(info.Env());
  log.Set("lines", list);
  log.Set("dropped", static_cast<double>(dropped));
  return log;
}

}  // namespace tributary
