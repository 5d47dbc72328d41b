#pragma once

#include <napi.h>

#include <string>

#include "options.h"
#include "udp_options.h"

namespace tributary {

/** Arguments from JavaScript. Everything here throws a TypeError that names the value for what does not fit. */
Napi::Object objectArg(const Napi::CallbackInfo& info, size_t index, const char* name);
int intArg(const Napi::CallbackInfo& info, size_t index, const char* name, int least, int most);
bool boolArg(const Napi::CallbackInfo& info, size_t index, const char* name);
std::string textArg(const Napi::CallbackInfo& info, size_t index, const char* name, size_t mostBytes);

EngineOptions engineOptions(const Napi::Object& from);
ListenOptions listenOptions(const Napi::Object& from);
ConnectOptions connectOptions(const Napi::Object& from);
UdpOptions udpOptions(const Napi::Object& from);
UdpBindOptions udpBindOptions(const Napi::Object& from);
UdpConnectOptions udpConnectOptions(const Napi::Object& from);
Role roleArg(const Napi::CallbackInfo& info, size_t index);
Access accessOptions(const Napi::Object& from);

/** A typed array, checked for its kind and its least length. */
template <typename Array>
Array typedArrayArg(const Napi::CallbackInfo& info, size_t index, const char* name, napi_typedarray_type type,
                    size_t leastElements) {
  if (info.Length() > index && info[index].IsTypedArray()) {
    const auto array = info[index].As<Napi::TypedArray>();
    if (array.TypedArrayType() == type && array.ElementLength() >= leastElements) return array.As<Array>();
  }
  throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a typed array of the right kind with at least " +
                                             std::to_string(leastElements) + " elements");
}

}  // namespace tributary
