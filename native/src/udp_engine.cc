#include "udp_engine.h"

#include <arpa/inet.h>

#include <cstring>
#include <limits>

#include "js_args.h"
#include "udp_failure.h"

namespace tributary {
namespace {

constexpr int kMostNumber = std::numeric_limits<int>::max();

Napi::Error toJs(Napi::Env env, const UdpFailure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code()));
  return error;
}

}  // namespace

Napi::Function UdpEngine::define(Napi::Env env) {
  return DefineClass(env, "UdpEngine",
                     {
                         InstanceMethod<&UdpEngine::bind>("bind"),
                         InstanceMethod<&UdpEngine::connect>("connect"),
                         InstanceMethod<&UdpEngine::facts>("facts"),
                         InstanceMethod<&UdpEngine::close>("close"),
                         InstanceMethod<&UdpEngine::peer>("peer"),
                         InstanceMethod<&UdpEngine::hold>("hold"),
                         InstanceMethod<&UdpEngine::release>("release"),
                         InstanceMethod<&UdpEngine::address>("address"),
                         InstanceMethod<&UdpEngine::port>("port"),
                         InstanceMethod<&UdpEngine::localAddress>("localAddress"),
                         InstanceMethod<&UdpEngine::knowGroup>("knowGroup"),
                         InstanceMethod<&UdpEngine::forgetGroup>("forgetGroup"),
                         InstanceMethod<&UdpEngine::receive>("receive"),
                         InstanceMethod<&UdpEngine::flush>("flush"),
                         InstanceMethod<&UdpEngine::rearm>("rearm"),
                         InstanceMethod<&UdpEngine::segments>("segments"),
                         InstanceMethod<&UdpEngine::counters>("counters"),
                         InstanceMethod<&UdpEngine::dispose>("dispose"),
                     });
}

UdpEngine::UdpEngine(const Info& info) : JsEngine(info, "UDP engine", "UDP_DISPOSED") {
  const Napi::Object from = objectArg(info, 0, "options");
  const UdpOptions options = udpOptions(from);
  const Napi::Env env = info.Env();
  const auto self = info.This().As<Napi::Object>();
  begin(
      from, [&](Wake wake) { return std::make_unique<UdpTransport>(options, std::move(wake)); },
      [&](UdpTransport& transport) {
        UdpSlots& slots = *transport.slots();
        const auto block = sharedBlock(env, transport.slots());
        const auto words = [&](const char* name, int count, size_t at) {
          expose(self, name, Napi::Int32Array::New(env, static_cast<size_t>(count), block, at));
        };
        expose(self, "arrivalsMs", Napi::Float64Array::New(env, static_cast<size_t>(slots.count()), block, 0));
        words("lengths", slots.count(), slots.lengthsAt());
        words("sockets", slots.count(), slots.socketsAt());
        words("peers", slots.count(), slots.peersAt());
        words("sendTo", slots.entries(), slots.sendToAt());
        words("sendFrom", slots.entries(), slots.sendFromAt());
        words("sendBytes", slots.entries(), slots.sendBytesAt());
        expose(self, "arena", Napi::Uint8Array::New(env, slots.arenaBytes(), block, slots.arenaAt()));
      });
}

void UdpEngine::dispose(const Info&) { end(); }

Napi::Value UdpEngine::bind(const Info& info) {
  UdpTransport& transport = use(info);
  const UdpBindOptions options = udpBindOptions(objectArg(info, 0, "options"));
  try {
    return Napi::Number::New(info.Env(), transport.bind(options));
  } catch (const UdpFailure& failure) {
    throw toJs(info.Env(), failure);
  }
}

Napi::Value UdpEngine::connect(const Info& info) {
  UdpTransport& transport = use(info);
  const UdpConnectOptions options = udpConnectOptions(objectArg(info, 0, "options"));
  try {
    return Napi::Number::New(info.Env(), transport.connect(options));
  } catch (const UdpFailure& failure) {
    throw toJs(info.Env(), failure);
  }
}

Napi::Value UdpEngine::facts(const Info& info) {
  const UdpSocket* socket = use(info).socket(intArg(info, 0, "socket", 0, kMostNumber));
  if (socket == nullptr) return info.Env().Undefined();
  const Endpoint local = socket->local();
  Napi::Object facts = Napi::Object::New(info.Env());
  facts.Set("address", local.address);
  facts.Set("port", local.port);
  facts.Set("receiveBufferBytes", socket->receiveBufferBytes());
  facts.Set("sendBufferBytes", socket->sendBufferBytes());
  facts.Set("kernelDrops", static_cast<double>(socket->kernelDrops()));
  const auto& lacks = socket->lacks();
  Napi::Array names = Napi::Array::New(info.Env(), lacks.size());
  for (size_t i = 0; i < lacks.size(); i++) names.Set(static_cast<uint32_t>(i), lacks[i]);
  facts.Set("lacks", names);
  return facts;
}

void UdpEngine::close(const Info& info) { use(info).close(intArg(info, 0, "socket", 0, kMostNumber)); }

Napi::Value UdpEngine::peer(const Info& info) {
  UdpTransport& transport = use(info);
  const int socket = intArg(info, 0, "socket", 0, kMostNumber);
  const std::string host = textArg(info, 1, "host", 64);
  const int port = intArg(info, 2, "port", 1, 65'535);
  const std::string localHost = textArg(info, 3, "localHost", 64);
  try {
    return Napi::Number::New(info.Env(), transport.peer(socket, host, port, localHost));
  } catch (const UdpFailure& failure) {
    throw toJs(info.Env(), failure);
  }
}

void UdpEngine::hold(const Info& info) { use(info).peers().hold(peerArg(info)); }

void UdpEngine::release(const Info& info) { use(info).peers().release(peerArg(info)); }

Napi::Value UdpEngine::address(const Info& info) {
  return Napi::String::New(info.Env(), use(info).peers().address(peerArg(info)));
}

Napi::Value UdpEngine::port(const Info& info) {
  return Napi::Number::New(info.Env(), ntohs(use(info).peers().key(peerArg(info)).port));
}

Napi::Value UdpEngine::localAddress(const Info& info) {
  return Napi::String::New(info.Env(), use(info).peers().localAddress(peerArg(info)));
}

void UdpEngine::knowGroup(const Info& info) {
  const uint8_t* id = groupIdArg(info);
  if (auto* budget = use(info).registrations()) budget->know(id);
}

void UdpEngine::forgetGroup(const Info& info) {
  const uint8_t* id = groupIdArg(info);
  if (auto* budget = use(info).registrations()) budget->forget(id);
}

Napi::Value UdpEngine::receive(const Info& info) {
  UdpTransport& transport = use(info);
  if (info.Length() < 1 || !info[0].IsNumber()) throw Napi::TypeError::New(info.Env(), "nowMs must be a number");
  return Napi::Number::New(info.Env(), transport.receive(info[0].As<Napi::Number>().DoubleValue()));
}

void UdpEngine::flush(const Info& info) {
  UdpTransport& transport = use(info);
  transport.flush(intArg(info, 0, "count", 0, transport.slots()->entries()));
}

Napi::Value UdpEngine::rearm(const Info& info) { return Napi::Number::New(info.Env(), use(info).rearm()); }

Napi::Value UdpEngine::segments(const Info& info) { return Napi::Boolean::New(info.Env(), use(info).segments()); }

void UdpEngine::counters(const Info& info) {
  UdpTransport& transport = use(info);
  auto out = typedArrayArg<Napi::Float64Array>(info, 0, "out", napi_float64_array, kUdpCounters);
  const UdpCounters& counters = transport.counters();
  std::memcpy(out.Data(), &counters, sizeof counters);
}

const uint8_t* UdpEngine::groupIdArg(const Info& info) {
  use(info);
  return typedArrayArg<Napi::Uint8Array>(info, 0, "id", napi_uint8_array, UdpRegistrationBudget::kGroupIdBytes).Data();
}

int UdpEngine::peerArg(const Info& info) {
  const int peer = intArg(info, 0, "peer", 0, kMostNumber);
  if (!use(info).peers().isValid(peer)) throw Napi::RangeError::New(info.Env(), "there is no peer " + std::to_string(peer));
  return peer;
}

}  // namespace tributary
