#pragma once

#include <srt/srt.h>

namespace tributary {

/** Values of `SRT_STATS_FIELDS` in JavaScript, in its order. */
constexpr size_t kStatsFields = 32;

/** False when the socket is gone; `out` keeps what it held. */
bool readStats(SRTSOCKET socket, double* out);

/** Data packets that have arrived since the start; -1 when the socket is gone. */
int64_t receivedPackets(SRTSOCKET socket);

}  // namespace tributary
