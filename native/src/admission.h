#pragma once

#include <srt/srt.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "options.h"

namespace tributary {

/** srt's access-control numbers. */
enum RejectCode {
  /** libsrt's own. */
  kRejectBadSecret = SRT_REJ_BADSECRET,
  kRejectUnsecure = SRT_REJ_UNSECURE,
  kRejectOverload = 1402,
  kRejectForbidden = 1403,
  kRejectNotFound = 1404,
  /** Our own, beside srt's: the caller wants more latency than its id allows (406 = unacceptable). */
  kRejectLatency = 1406,
  kRejectConflict = 1409,
};

/**
 * Who may come in: a table of ids that JavaScript keeps up to date and libsrt's threads ask in the listen callback. An id is reserved in
 * that very callback (free, reserved, taken), because two callers can be there before either is accepted.
 *
 * Thread-safe. Under its lock it calls nothing of libsrt but srt_getsockstate, since the callback runs inside locks of libsrt.
 */
class Admission {
 public:
  struct Verdict {
    /** 0: admitted. */
    int code = 0;
    /** What an admitted caller is let in with. */
    Access access = {};
  };
  struct Claim {
    std::string streamId;
    /** Not 0: let in only to be closed, for this reason. */
    int refusal = 0;
    /** The publisher that is taken over, or 0. */
    SRTSOCKET replaces = 0;
  };
  /** Where a caller comes from, as the listen callback sees it. */
  struct Caller {
    SRTSOCKET socket = SRT_INVALID_SOCK;
    SRTSOCKET listener = SRT_INVALID_SOCK;
    sockaddr_storage peer = {};
  };
  /** A caller that was let in, and that libsrt itself has turned down. */
  struct Failure {
    Caller caller;
    std::string streamId;
    int code = 0;
  };

  explicit Admission(int takeoverSilenceMs) : takeoverSilenceMs_(takeoverSilenceMs) {}

  void allow(Role role, const std::string& id, Access access);
  /** `known`: the id goes on to mean itself, and is refused. Else it is as if it had never been. */
  void forbid(Role role, const std::string& id, bool known);
  void refuseAll(bool refuse);
  void refusePublishers(bool refuse);

  /**
   * Listen callback: decides, and reserves the id for the caller when it is let in. The exact bytes count first; what they may mean in the
   * dialect of another server is tried only when nobody knows them.
   */
  Verdict request(Role role, const std::string& streamId, const Caller& caller, int64_t nowMs);
  /** Listen callback: the newcomer will be accepted and closed at once. */
  void letInToClose(const std::string& id, const Caller& newcomer, int code, int64_t nowMs);
  /**
   * After srt_accept: the reservation becomes a holding. Nothing when the socket is unknown here (its reservation has lapsed).
   * @param latencyMs as it was negotiated
   */
  std::optional<Claim> claim(SRTSOCKET accepted, int latencyMs, int64_t nowMs);

  /** A publisher's datagrams have been seen to arrive. */
  void arrived(SRTSOCKET publisher, int64_t nowMs);
  /** From now on this publisher may be replaced, however lively it is. */
  void yield(SRTSOCKET publisher);
  /** The socket is closed, or never came to be. */
  void release(SRTSOCKET socket);
  /**
   * Drops reservations that were not claimed in time, or whose caller failed the handshake: of a caller that was let in libsrt checks nothing
   * more than its secret, and it does not tell.
   */
  std::vector<Failure> expire(int64_t nowMs);

 private:
  struct Row {
    bool allowed = false;
    /** Not let in, and still nothing but itself. */
    bool known = false;
    Access access;
    /** Play: every socket that is open or reserved. */
    std::vector<SRTSOCKET> players;
    /** Publish: the one that is let in and not yet accepted, and the one that holds the id. 0 = none. */
    SRTSOCKET reserved = 0;
    SRTSOCKET holder = 0;
    int64_t lastArrivalMs = 0;
    bool yielded = false;
  };
  struct Seat {
    Role role;
    /** Canonical: as JavaScript gave it. */
    std::string id;
    bool claimed = false;
    int64_t sinceMs = 0;
    int refusal = 0;
    Caller caller = {};
  };
  using Rows = std::unordered_map<std::string, Row>;
  using Seats = std::unordered_map<SRTSOCKET, Seat>;

  static constexpr int64_t kReservationMs = 3'000;
  static constexpr size_t kMostFailures = 1'024;

  Rows& rows(Role role) { return role == Role::publish ? publish_ : play_; }
  /** The row of an id that is let in, or null. */
  static Row* allowed(Rows& rows, const std::string& id);
  /** The row of an id that is let in or known to be refused, or null. */
  static Row* meant(Rows& rows, const std::string& id);
  static bool isNeeded(const Row& row);
  int requestPublish(Row& row, SRTSOCKET newcomer, int64_t nowMs);
  int requestPlay(Row& row, SRTSOCKET newcomer);
  void leave(SRTSOCKET socket, const Seat& seat);
  /** A caller that was turned down is noted. */
  Seats::iterator forget(Seats::iterator seat);
  Row* rowOfPublisher(SRTSOCKET socket);

  const int takeoverSilenceMs_;
  std::mutex mutex_;
  Rows publish_;
  Rows play_;
  Seats seats_;
  std::vector<Failure> failures_;
  bool refuseAll_ = false;
  bool refusePublishers_ = false;
};

}  // namespace tributary
