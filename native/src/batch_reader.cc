#include "batch_reader.h"

#include <algorithm>

#include "socket_flags.h"

namespace tributary {

int BatchReader::read(int64_t nowMs) {
  const auto lock = table_.lock();
  const auto& readers = table_.readers();
  const int slots = slots_->count();
  int32_t* run = slots_->runs();
  int runs = 0;
  int slot = 0;
  for (bool progress = true; progress && slot < slots;) {
    progress = false;
    const size_t count = readers.size();
    for (size_t i = 0; i < count && slot < slots; i++) {
      if (cursor_ >= count) cursor_ = 0;
      SrtSocket& socket = *readers[cursor_++];
      if (!socket.readable) continue;
      const int messages = readTurn(socket, slot, nowMs);
      if (messages == 0) continue;
      *run++ = socket.handle;
      *run++ = slot;
      *run++ = messages;
      runs++;
      slot += messages;
      progress = true;
    }
  }
  for (SrtSocket* socket : finished_) table_.retire(*socket);
  finished_.clear();
  return runs;
}

void BatchReader::look() {
  const auto lock = table_.lock();
  for (SrtSocket* socket : table_.readers())
    if (!socket->readable && socket->state != SrtSocket::State::connecting) socket->readable = hasMore(*socket);
}

int BatchReader::readTurn(SrtSocket& socket, int firstSlot, int64_t nowMs) {
  const int most = std::min(kTurnMessages, slots_->count() - firstSlot);
  SRT_MSGCTRL control = srt_msgctrl_default;
  int messages = 0;
  for (; messages < most; messages++) {
    const int slot = firstSlot + messages;
    const int length = srt_recvmsg2(socket.handle, slots_->slot(slot), kSlotBytes, &control);
    if (length <= 0) {
      onReadError(socket, nowMs);
      break;
    }
    slots_->lengths()[slot] = length;
    // Of a broken socket libsrt gives no source time. Its tail is read at every tick, so that it is due now.
    slots_->sourceTimesUs()[slot] = static_cast<double>(control.srctime > 0 ? control.srctime : srt_time_now());
    if (!hasMore(socket)) {
      socket.readable = false;
      return messages + 1;
    }
  }
  return messages;
}

bool BatchReader::hasMore(const SrtSocket& socket) {
  // Of one that is ending libsrt says nothing here: it is read until it refuses.
  return socket.state == SrtSocket::State::ending || (getInt(socket.handle, SRTO_EVENT) & (SRT_EPOLL_IN | SRT_EPOLL_ERR)) != 0;
}

void BatchReader::onReadError(SrtSocket& socket, int64_t nowMs) {
  socket.readable = false;
  const int error = srt_getlasterror(nullptr);
  if (error == SRT_EASYNCRCV) return;
  // Lost is the end of arrival, not of delivery: what libsrt has buffered comes out at its play time, if reading goes on.
  const bool lost = error == SRT_ECONNLOST;
  if (socket.state == SrtSocket::State::live) table_.breakOff(socket, nowMs);
  // From the poll thread's next tick on, in its own time.
  socket.readable = false;
  if (!lost || nowMs >= socket.deadlineMs) finished_.push_back(&socket);
}

}  // namespace tributary
