#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "slots.h"
#include "socket_table.h"

namespace tributary {

/** Reads due messages of all readable sockets into the slots. JavaScript's thread only. */
class BatchReader {
 public:
  BatchReader(SocketTable& table, std::shared_ptr<Slots> slots) : table_(table), slots_(std::move(slots)) {}

  /** Notes which sockets have something, for a reader that comes by itself instead of being woken. */
  void look();
  /** Fills slots and the table of runs; returns the number of runs. */
  int read(int64_t nowMs);

 private:
  /** So many messages, then the next socket has its turn. */
  static constexpr int kTurnMessages = 64;

  /** Reads one turn; returns the messages. `socket.readable` is false when there is no more. */
  int readTurn(SrtSocket& socket, int firstSlot, int64_t nowMs);
  /**
   * Whether a read would find something: a message that is due, or that the socket is broken. Asked before, because libsrt says "nothing
   * there" by throwing inside itself, which costs as much as reading several messages, and wakes its delivery thread for nothing.
   */
  static bool hasMore(const SrtSocket& socket);
  void onReadError(SrtSocket& socket, int64_t nowMs);

  SocketTable& table_;
  const std::shared_ptr<Slots> slots_;
  std::vector<SrtSocket*> finished_;
  size_t cursor_ = 0;
};

}  // namespace tributary
