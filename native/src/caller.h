#pragma once

#include <string>

#include "event_queue.h"
#include "options.h"
#include "srt_socket.h"

namespace tributary {

/** A socket that is ready to connect; the caller owns it. @throws SrtFailure */
SrtSocket prepareCaller(const ConnectOptions& options);

/**
 * Starts to connect. The epoll must watch the socket already: libsrt signals a rejection once, when it happens.
 * @throws SrtFailure for what is wrong at once
 */
void startConnecting(SRTSOCKET socket, const ConnectOptions& options);

/** Fills in what was negotiated: the latency of the direction in use and the earliest source time. */
void readNegotiated(SrtSocket& socket);

/** What became of a caller that did not get through. Call it before the socket is closed. */
Event connectFailed(SRTSOCKET socket);

}  // namespace tributary
