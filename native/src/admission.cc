#include "admission.h"

#include <algorithm>
#include <utility>

#include "stream_id.h"

namespace tributary {
namespace {

/** A caller that failed its handshake, or broke, holds nothing any more, whatever the table says. */
bool isAlive(SRTSOCKET socket) {
  const SRT_SOCKSTATUS state = srt_getsockstate(socket);
  return state == SRTS_INIT || state == SRTS_OPENED || state == SRTS_CONNECTING || state == SRTS_CONNECTED;
}

/** libsrt closes at once what fails its handshake; whoever merely breaks while it waits to be accepted stays for a while. */
bool wasTurnedDown(SRTSOCKET socket) {
  const SRT_SOCKSTATUS state = srt_getsockstate(socket);
  return state == SRTS_CLOSED || state == SRTS_NONEXIST;
}

using Lock = std::lock_guard<std::mutex>;

}  // namespace

void Admission::allow(Role role, const std::string& id, Access access) {
  const Lock lock(mutex_);
  Row& row = rows(role)[id];
  row.allowed = true;
  row.known = false;
  row.access = std::move(access);
}

void Admission::forbid(Role role, const std::string& id, bool known) {
  const Lock lock(mutex_);
  const auto found = known ? rows(role).try_emplace(id).first : rows(role).find(id);
  if (found == rows(role).end()) return;
  found->second.allowed = false;
  found->second.known = known;
  if (!isNeeded(found->second)) rows(role).erase(found);
}

bool Admission::isNeeded(const Row& row) {
  // A row stays while sockets are open on it, so that they still count if the id is let in again.
  return row.allowed || row.known || !row.players.empty() || row.reserved != 0 || row.holder != 0;
}

void Admission::refuseAll(bool refuse) {
  const Lock lock(mutex_);
  refuseAll_ = refuse;
}

void Admission::refusePublishers(bool refuse) {
  const Lock lock(mutex_);
  refusePublishers_ = refuse;
}

Admission::Row* Admission::allowed(Rows& rows, const std::string& id) {
  const auto found = rows.find(id);
  return found != rows.end() && found->second.allowed ? &found->second : nullptr;
}

Admission::Row* Admission::meant(Rows& rows, const std::string& id) {
  const auto found = rows.find(id);
  return found != rows.end() && (found->second.allowed || found->second.known) ? &found->second : nullptr;
}

Admission::Verdict Admission::request(Role role, const std::string& streamId, const Caller& caller, int64_t nowMs) {
  const bool publishes = role == Role::publish;
  // Outside the lock: it is the only part that allocates.
  const std::vector<std::string> forms = streamIdForms(streamId, role);
  const Lock lock(mutex_);
  if (refuseAll_ || (publishes && refusePublishers_)) return {kRejectOverload};
  Rows& others = rows(publishes ? Role::play : Role::publish);
  const std::string* id = &streamId;
  Row* row = meant(rows(role), streamId);
  if (row == nullptr) {
    const Row* foreign = meant(others, streamId);
    for (auto form = forms.begin(); row == nullptr && foreign == nullptr && form != forms.end(); ++form) {
      id = &*form;
      row = meant(rows(role), *form);
    }
    for (auto form = forms.begin(); row == nullptr && foreign == nullptr && form != forms.end(); ++form)
      foreign = meant(others, *form);
    if (row == nullptr) return {foreign != nullptr && foreign->allowed ? kRejectForbidden : kRejectNotFound};
  }
  if (!row->allowed) return {kRejectNotFound};
  const int code = publishes ? requestPublish(*row, caller.socket, nowMs) : requestPlay(*row, caller.socket);
  if (code != 0) return {code};
  seats_[caller.socket] = Seat{role, *id, false, nowMs, 0, caller};
  return {0, row->access};
}

int Admission::requestPublish(Row& row, SRTSOCKET newcomer, int64_t nowMs) {
  if (row.reserved != 0) {
    const auto seat = seats_.find(row.reserved);
    const bool pending = seat != seats_.end() && nowMs - seat->second.sinceMs < kReservationMs;
    if (pending && isAlive(row.reserved)) return kRejectConflict;
    if (seat != seats_.end()) forget(seat);
    row.reserved = 0;
  }
  const bool occupied =
      row.holder != 0 && !row.yielded && nowMs - row.lastArrivalMs < takeoverSilenceMs_ && isAlive(row.holder);
  if (occupied) return kRejectConflict;
  row.reserved = newcomer;
  return 0;
}

int Admission::requestPlay(Row& row, SRTSOCKET newcomer) {
  const auto most = static_cast<size_t>(row.access.maxSockets);
  if (row.players.size() >= most) {
    for (const SRTSOCKET player : row.players) {
      const auto seat = seats_.find(player);
      if (seat != seats_.end() && !isAlive(player)) forget(seat);
    }
    const auto gone = [this](SRTSOCKET player) { return seats_.find(player) == seats_.end(); };
    row.players.erase(std::remove_if(row.players.begin(), row.players.end(), gone), row.players.end());
  }
  if (row.players.size() >= most) return kRejectOverload;
  row.players.push_back(newcomer);
  return 0;
}

void Admission::letInToClose(const std::string& id, const Caller& newcomer, int code, int64_t nowMs) {
  const Lock lock(mutex_);
  seats_[newcomer.socket] = Seat{Role::play, id, false, nowMs, code, newcomer};
}

std::optional<Admission::Claim> Admission::claim(SRTSOCKET accepted, int latencyMs, int64_t nowMs) {
  const Lock lock(mutex_);
  const auto found = seats_.find(accepted);
  if (found == seats_.end()) return std::nullopt;
  Seat& seat = found->second;
  Claim claim{seat.id, seat.refusal};
  if (seat.refusal != 0) {
    seats_.erase(found);
    return claim;
  }
  const auto known = rows(seat.role).find(seat.id);
  const bool isAllowed = known != rows(seat.role).end() && known->second.allowed;
  const int ceilingMs = isAllowed ? known->second.access.latencyCeilingMs : 0;
  if (!isAllowed || (ceilingMs > 0 && latencyMs > ceilingMs)) {
    // The id was taken away between handshake and accept; or only the handshake has told the latency.
    claim.refusal = isAllowed ? kRejectLatency : kRejectNotFound;
    leave(accepted, seat);
    seats_.erase(found);
    return claim;
  }
  seat.claimed = true;
  if (seat.role == Role::publish) {
    Row& row = known->second;
    claim.replaces = std::exchange(row.holder, accepted);
    row.reserved = 0;
    row.lastArrivalMs = nowMs;
    row.yielded = false;
  }
  return claim;
}

Admission::Row* Admission::rowOfPublisher(SRTSOCKET socket) {
  const auto seat = seats_.find(socket);
  if (seat == seats_.end() || seat->second.role != Role::publish) return nullptr;
  const auto row = publish_.find(seat->second.id);
  return row != publish_.end() && row->second.holder == socket ? &row->second : nullptr;
}

void Admission::arrived(SRTSOCKET publisher, int64_t nowMs) {
  const Lock lock(mutex_);
  if (Row* row = rowOfPublisher(publisher)) row->lastArrivalMs = nowMs;
}

void Admission::yield(SRTSOCKET publisher) {
  const Lock lock(mutex_);
  if (Row* row = rowOfPublisher(publisher)) row->yielded = true;
}

void Admission::leave(SRTSOCKET socket, const Seat& seat) {
  if (seat.refusal != 0) return;
  const auto found = rows(seat.role).find(seat.id);
  if (found == rows(seat.role).end()) return;
  Row& row = found->second;
  if (row.reserved == socket) row.reserved = 0;
  if (row.holder == socket) row.holder = 0;
  row.players.erase(std::remove(row.players.begin(), row.players.end(), socket), row.players.end());
  if (!isNeeded(row)) rows(seat.role).erase(found);
}

void Admission::release(SRTSOCKET socket) {
  const Lock lock(mutex_);
  const auto seat = seats_.find(socket);
  if (seat == seats_.end()) return;
  leave(socket, seat->second);
  seats_.erase(seat);
}

Admission::Seats::iterator Admission::forget(Seats::iterator seat) {
  const Seat& left = seat->second;
  const bool failed = !left.claimed && wasTurnedDown(seat->first);
  if (failed && failures_.size() < kMostFailures) {
    const Row* row = allowed(rows(left.role), left.id);
    const bool hasSecret = row != nullptr && !row->access.passphrase.empty();
    const int code = hasSecret ? kRejectBadSecret : kRejectUnsecure;
    // Who was to be let in only to be closed has none of our secrets: whoever encrypts is turned down by libsrt before that.
    failures_.push_back({left.caller, left.id, left.refusal != 0 ? left.refusal : code});
  }
  return seats_.erase(seat);
}

std::vector<Admission::Failure> Admission::expire(int64_t nowMs) {
  const Lock lock(mutex_);
  for (auto seat = seats_.begin(); seat != seats_.end();) {
    const Seat& waiting = seat->second;
    const bool isPending = !waiting.claimed && nowMs - waiting.sinceMs < kReservationMs;
    if (waiting.claimed || (isPending && !wasTurnedDown(seat->first))) {
      ++seat;
      continue;
    }
    leave(seat->first, waiting);
    seat = forget(seat);
  }
  return std::exchange(failures_, {});
}

}  // namespace tributary
