#pragma once

namespace tributary {

/** Totals since the start, in the order of `UDP_COUNTERS` in JavaScript. Only JavaScript's thread counts. */
struct UdpCounters {
  double receivedDatagrams = 0;
  double receiveCalls = 0;
  double sentDatagrams = 0;
  double sendCalls = 0;
  /** Runs that went out as one segmented datagram. */
  double segmentedRuns = 0;
  /** The kernel had no room: EAGAIN, ENOBUFS. */
  double linkSendsDropped = 0;
  double serverSendsDropped = 0;
  /** Any other failure of a send or receive. */
  double linkErrors = 0;
  double serverErrors = 0;
  /** The server's port was closed. */
  double serverRefused = 0;
  /** Datagrams that the kernel dropped because nobody read them in time. */
  double linkKernelDrops = 0;
  double serverKernelDrops = 0;
  double wakeups = 0;
  /** REG1 and REG2 over budget, which JavaScript has not seen. */
  double reg1Dropped = 0;
  double reg2Dropped = 0;
  /** Taken out of a receive buffer that was filling while JavaScript was away. */
  double spilledDatagrams = 0;
  /** Of these, those that JavaScript has not taken yet. */
  double spilledWaiting = 0;
};
constexpr int kUdpCounters = sizeof(UdpCounters) / sizeof(double);

}  // namespace tributary
