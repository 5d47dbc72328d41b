#pragma once

#include <napi.h>

#include "event_queue.h"
#include "srt_failure.h"

namespace tributary {

/** An `SrtEvent` of the JavaScript interface. */
Napi::Object toJs(Napi::Env env, const Event& event);

/** An Error with `code` and `srtCode`. */
Napi::Error toJs(Napi::Env env, const SrtFailure& failure);

}  // namespace tributary
