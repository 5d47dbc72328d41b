#include "stats.h"

#include <algorithm>

namespace tributary {

bool readStats(SRTSOCKET socket, double* out) {
  SRT_TRACEBSTATS s;
  // Never cleared, so that fields which libsrt keeps per interval are totals as well.
  if (srt_bistats(socket, &s, 0, 1) < 0) return false;
  const int64_t startUs = srt_connection_time(socket);
  if (startUs < 0) return false;
  const auto number = [](auto value) { return static_cast<double>(value); };
  const double values[] = {
      s.msRTT,
      s.mbpsBandwidth,
      s.mbpsRecvRate,
      s.mbpsSendRate,
      number(s.pktRecvTotal),
      number(s.pktRecvUniqueTotal),
      number(s.pktRcvLossTotal),
      number(s.pktRcvDropTotal),
      number(s.pktRcvRetrans),
      number(s.pktRcvBelated),
      number(s.pktSentTotal),
      number(s.pktSndLossTotal),
      number(s.pktSndDropTotal),
      number(s.pktRetransTotal),
      number(s.pktSentNAKTotal),
      number(s.pktRecvNAKTotal),
      number(s.byteRecvTotal),
      number(s.byteRecvUniqueTotal),
      number(s.byteRcvLossTotal),
      number(s.byteRcvDropTotal),
      number(s.byteSentTotal),
      number(s.msRcvBuf),
      number(s.pktRcvBuf),
      number(s.msSndBuf),
      number(s.pktSndBuf),
      number(s.msRcvTsbPdDelay),
      number(s.msSndTsbPdDelay),
      number(s.pktFlightSize),
      number(srt_time_now() - startUs) / 1000,
      number(s.pktReorderTolerance),
      number(s.byteAvailRcvBuf),
      number(s.byteSndBuf),
  };
  static_assert(sizeof values == kStatsFields * sizeof(double), "one value for each field");
  std::copy(std::begin(values), std::end(values), out);
  return true;
}

int64_t receivedPackets(SRTSOCKET socket) {
  SRT_TRACEBSTATS s;
  return srt_bistats(socket, &s, 0, 0) < 0 ? -1 : s.pktRecvTotal;
}

}  // namespace tributary
