#include "js_args.h"

#include <cmath>
#include <limits>

#include "address.h"

namespace tributary {
namespace {

constexpr int kMostInt = std::numeric_limits<int>::max();
constexpr int kMostTimeMs = 3'600'000;
/** libsrt's limit. */
constexpr size_t kMostStreamIdBytes = 512;

[[noreturn]] void fail(Napi::Env env, const std::string& text) { throw Napi::TypeError::New(env, text); }

int toInt(const Napi::Value& value, const std::string& name, int least, int most) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number == std::floor(number) && number >= least && number <= most) return static_cast<int>(number);
  }
  fail(value.Env(), name + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

std::string toText(const Napi::Value& value, const std::string& name, size_t leastBytes, size_t mostBytes) {
  if (value.IsString()) {
    std::string text = value.As<Napi::String>().Utf8Value();
    const bool fits = text.size() >= leastBytes && text.size() <= mostBytes;
    if (fits && text.find('\0') == std::string::npos) return text;
  }
  fail(value.Env(), name + " must be a string of " + std::to_string(leastBytes) + " to " + std::to_string(mostBytes) +
                        " bytes without NUL");
}

int intOf(const Napi::Object& from, const char* name, int least, int most) {
  return toInt(from.Get(name), name, least, most);
}

/** 0 where it is absent. */
int optionalIntOf(const Napi::Object& from, const char* name, int least, int most) {
  const Napi::Value value = from.Get(name);
  return value.IsUndefined() ? 0 : toInt(value, name, least, most);
}

std::string passphraseOf(const Napi::Object& from) {
  const Napi::Value value = from.Get("passphrase");
  return value.IsUndefined() ? std::string() : toText(value, "passphrase", 10, 79);
}

/** The value is not repeated in the message: what stands in a wrong place may be a secret. */
std::string hostOf(const Napi::Object& from, int port) {
  const std::string host = toText(from.Get("host"), "host", 2, 64);
  Address address;
  if (!Address::parse(host, port, address)) fail(from.Env(), "host must be a numeric IPv4 or IPv6 address");
  return host;
}

bool oneOf(const Napi::Value& value, const char* name, const char* yes, const char* no) {
  const std::string text = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  if (text == yes) return true;
  if (text == no) return false;
  fail(value.Env(), std::string(name) + " must be '" + yes + "' or '" + no + "'");
}

bool boolOf(const Napi::Object& from, const char* name, bool byDefault) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return byDefault;
  if (!value.IsBoolean()) fail(from.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Value argument(const Napi::CallbackInfo& info, size_t index) {
  return info.Length() > index ? info[index] : info.Env().Undefined();
}

UdpRegistrationRates registrationRates(const Napi::Object& options) {
  if (!options.Get("registrations").IsObject()) fail(options.Env(), "registrations must be an object");
  const auto from = options.Get("registrations").As<Napi::Object>();
  UdpRegistrationRates rates;
  rates.sourceBurst = intOf(from, "sourceBurst", 1, 1'000'000);
  rates.sourcePerSecond = intOf(from, "sourcePerSecond", 1, 1'000'000);
  rates.everybodyBurst = intOf(from, "everybodyBurst", 1, 1'000'000);
  rates.everybodyPerSecond = intOf(from, "everybodyPerSecond", 1, 1'000'000);
  rates.joinSourceBurst = intOf(from, "joinSourceBurst", 1, 1'000'000);
  rates.joinSourcePerSecond = intOf(from, "joinSourcePerSecond", 1, 1'000'000);
  return rates;
}

}  // namespace

Napi::Object objectArg(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = argument(info, index);
  if (!value.IsObject()) fail(info.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

int intArg(const Napi::CallbackInfo& info, size_t index, const char* name, int least, int most) {
  return toInt(argument(info, index), name, least, most);
}

bool boolArg(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = argument(info, index);
  if (!value.IsBoolean()) fail(info.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string textArg(const Napi::CallbackInfo& info, size_t index, const char* name, size_t mostBytes) {
  return toText(argument(info, index), name, 0, mostBytes);
}

EngineOptions engineOptions(const Napi::Object& from) {
  EngineOptions options;
  options.tickMs = intOf(from, "tickMs", 0, 1'000);
  options.slots = intOf(from, "slots", 1, 65'536);
  options.takeoverSilenceMs = intOf(from, "takeoverSilenceMs", 0, kMostTimeMs);
  return options;
}

ListenOptions listenOptions(const Napi::Object& from) {
  ListenOptions options;
  options.port = intOf(from, "port", 0, 65'535);
  options.host = hostOf(from, options.port);
  options.role = oneOf(from.Get("role"), "role", "publish", "play") ? Role::publish : Role::play;
  options.refuseByClosing = oneOf(from.Get("refuse"), "refuse", "close", "reject");
  options.closesPerMinute = intOf(from, "closesPerMinute", 0, 1'000'000);
  if (!from.Get("passphraseTriesPerSecond").IsUndefined())
    options.passphraseTriesPerSecond = intOf(from, "passphraseTriesPerSecond", 0, 1'000'000);
  options.latencyFloorMs = intOf(from, "latencyFloorMs", 0, 60'000);
  options.reorderTolerancePackets = intOf(from, "reorderTolerancePackets", 0, 1'000'000);
  options.peerIdleTimeoutMs = intOf(from, "peerIdleTimeoutMs", 100, kMostTimeMs);
  options.bufferBytes = intOf(from, "bufferBytes", 64 * 1500, kMostInt);
  options.flowWindowPackets = intOf(from, "flowWindowPackets", 64, 1'000'000);
  options.udpBufferBytes = intOf(from, "udpBufferBytes", 4'096, kMostInt);
  options.backlog = intOf(from, "backlog", 1, 65'535);
  return options;
}

ConnectOptions connectOptions(const Napi::Object& from) {
  ConnectOptions options;
  options.port = intOf(from, "port", 1, 65'535);
  options.host = hostOf(from, options.port);
  options.streamId = toText(from.Get("streamId"), "streamId", 0, kMostStreamIdBytes);
  options.passphrase = passphraseOf(from);
  options.latencyMs = intOf(from, "latencyMs", 0, 60'000);
  options.connectTimeoutMs = intOf(from, "connectTimeoutMs", 1, kMostTimeMs);
  options.peerIdleTimeoutMs = optionalIntOf(from, "peerIdleTimeoutMs", 100, kMostTimeMs);
  options.bufferBytes = optionalIntOf(from, "bufferBytes", 64 * 1500, kMostInt);
  const Napi::Value reads = from.Get("reads");
  if (!reads.IsBoolean()) fail(from.Env(), "reads must be a boolean");
  options.reads = reads.As<Napi::Boolean>().Value();
  return options;
}

UdpOptions udpOptions(const Napi::Object& from) {
  UdpOptions options;
  options.slots = intOf(from, "slots", 1, 4'096);
  options.sendEntries = intOf(from, "sendEntries", 1, 65'536);
  options.scratchBytes = intOf(from, "scratchBytes", 0, 64 * 1024 * 1024);
  options.paces = boolOf(from, "paces", true);
  options.busyPacketsPerSecond = intOf(from, "busyPacketsPerSecond", 0, kMostInt);
  options.segmentation = boolOf(from, "segmentation", true);
  if (!from.Get("registrations").IsUndefined()) options.registrations = registrationRates(from);
  return options;
}

UdpBindOptions udpBindOptions(const Napi::Object& from) {
  UdpBindOptions options;
  options.port = intOf(from, "port", 0, 65'535);
  options.host = hostOf(from, options.port);
  options.bufferBytes = intOf(from, "bufferBytes", 4'096, kMostInt / 2);
  if (!from.Get("device").IsUndefined()) options.device = toText(from.Get("device"), "device", 1, 15);
  options.towardsServer = boolOf(from, "towardsServer", false);
  return options;
}

UdpConnectOptions udpConnectOptions(const Napi::Object& from) {
  UdpConnectOptions options;
  options.port = intOf(from, "port", 1, 65'535);
  options.host = hostOf(from, options.port);
  options.bufferBytes = intOf(from, "bufferBytes", 4'096, kMostInt / 2);
  return options;
}

Role roleArg(const Napi::CallbackInfo& info, size_t index) {
  return oneOf(argument(info, index), "role", "publish", "play") ? Role::publish : Role::play;
}

Access accessOptions(const Napi::Object& from) {
  Access access;
  access.passphrase = passphraseOf(from);
  access.maxSockets = intOf(from, "maxSockets", 1, 1'000'000);
  access.latencyMs = optionalIntOf(from, "latencyMs", 1, 60'000);
  access.latencyCeilingMs = optionalIntOf(from, "latencyCeilingMs", 1, kMostInt);
  access.bufferBytes = optionalIntOf(from, "bufferBytes", 64 * 1500, kMostInt);
  access.flowWindowPackets = optionalIntOf(from, "flowWindowPackets", 64, 1'000'000);
  return access;
}

}  // namespace tributary
