// minirelay: the floor of libsrt. A bare relay with no access control, no statistics and no bonding: every publisher on
// PORT_PUBLISH is copied to the players on PORT_PLAY that use the same four-character-prefixed id (live0 -> play0).
// One thread, batches every TICK_MS. Used only to compare CPU per packet in one run; it is no model of anything.
//   g++ -O2 -o minirelay minirelay.cc -lsrt && ./minirelay PORT_PUBLISH PORT_PLAY [TICK_MS] [BUFFER_BYTES]
#include <arpa/inet.h>
#include <srt/srt.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

struct Stream {
  SRTSOCKET publisher = SRT_INVALID_SOCK;
  std::vector<SRTSOCKET> players;
};

static SRTSOCKET listenOn(int port, int buffer) {
  SRTSOCKET s = srt_create_socket();
  int no = 0, live = SRTT_LIVE, latency = 200, reorder = 200;
  srt_setsockflag(s, SRTO_TRANSTYPE, &live, sizeof live);
  srt_setsockflag(s, SRTO_RCVSYN, &no, sizeof no);
  srt_setsockflag(s, SRTO_SNDSYN, &no, sizeof no);
  srt_setsockflag(s, SRTO_LATENCY, &latency, sizeof latency);
  srt_setsockflag(s, SRTO_LOSSMAXTTL, &reorder, sizeof reorder);
  if (buffer) {
    srt_setsockflag(s, SRTO_UDP_RCVBUF, &buffer, sizeof buffer);
    srt_setsockflag(s, SRTO_UDP_SNDBUF, &buffer, sizeof buffer);
  }
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  if (srt_bind(s, reinterpret_cast<sockaddr*>(&a), sizeof a) < 0 || srt_listen(s, 50) < 0) {
    fprintf(stderr, "port %d: %s\n", port, srt_getlasterror_str());
    exit(1);
  }
  return s;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  srt_startup();
  const int tickMs = argc > 3 ? atoi(argv[3]) : 0;
  const int udpBuffer = argc > 4 ? atoi(argv[4]) : 0;
  const SRTSOCKET publish = listenOn(atoi(argv[1]), udpBuffer), play = listenOn(atoi(argv[2]), udpBuffer);
  std::map<std::string, Stream> streams;
  std::map<SRTSOCKET, Stream*> byPublisher;
  const int epoll = srt_epoll_create();
  int in = SRT_EPOLL_IN | SRT_EPOLL_ERR;
  srt_epoll_add_usock(epoll, publish, &in);
  srt_epoll_add_usock(epoll, play, &in);
  char buffer[1500];
  SRT_EPOLL_EVENT events[64];
  for (;;) {
    const int n = srt_epoll_uwait(epoll, events, 64, 1000);
    for (int i = 0; i < n; i++) {
      const SRTSOCKET fd = events[i].fd;
      if (fd == publish || fd == play) {
        sockaddr_in from;
        int length = sizeof from;
        const SRTSOCKET s = srt_accept(fd, reinterpret_cast<sockaddr*>(&from), &length);
        if (s < 0) continue;
        char id[513];
        int idLength = sizeof id;
        srt_getsockflag(s, SRTO_STREAMID, id, &idLength);
        Stream& stream = streams[std::string(id + 4, idLength > 4 ? idLength - 4 : 0)];
        if (fd == publish) {
          stream.publisher = s;
          byPublisher[s] = &stream;
          srt_epoll_add_usock(epoll, s, &in);
        } else {
          stream.players.push_back(s);
        }
        continue;
      }
      Stream* stream = byPublisher[fd];
      if (!stream) continue;
      for (;;) {
        const int size = srt_recvmsg(fd, buffer, sizeof buffer);
        if (size <= 0) {
          if (srt_getlasterror(nullptr) != SRT_EASYNCRCV) {
            srt_epoll_remove_usock(epoll, fd);
            srt_close(fd);
            byPublisher.erase(fd);
          }
          break;
        }
        for (const SRTSOCKET p : stream->players) srt_sendmsg(p, buffer, size, -1, 1);
      }
    }
    if (tickMs) usleep(tickMs * 1000);
  }
}
