#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace tributary {

/** Bytes from one slot to the next: a longer datagram is cut, which shows in its length. `UDP_SLOT_BYTES` in JavaScript. */
constexpr size_t kUdpSlotBytes = 1536;

/** How many SRTLA registrations pass: from one source and from everybody; with the id of a group that lives. */
struct UdpRegistrationRates {
  int sourceBurst = 0;
  int sourcePerSecond = 0;
  int everybodyBurst = 0;
  int everybodyPerSecond = 0;
  int joinSourceBurst = 0;
  int joinSourcePerSecond = 0;
};

/** The options of the JavaScript interface, checked. */
struct UdpOptions {
  int slots = 0;
  int sendEntries = 0;
  int scratchBytes = 0;
  bool paces = true;
  int busyPacketsPerSecond = 0;
  bool segmentation = true;
  /** Nothing: every registration passes. */
  std::optional<UdpRegistrationRates> registrations;
};

struct UdpBindOptions {
  std::string host;
  int port = 0;
  int bufferBytes = 0;
  /** Network device that it is tied to; empty = any. */
  std::string device;
  /** It faces the SRT server, not the links. */
  bool towardsServer = false;
};

struct UdpConnectOptions {
  std::string host;
  int port = 0;
  int bufferBytes = 0;
};

}  // namespace tributary
