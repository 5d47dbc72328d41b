#pragma once

#include <stdexcept>
#include <string>

namespace tributary {

/** A system call on a UDP socket that failed when the socket was made; afterwards failures are counted, not thrown. */
class UdpFailure : public std::runtime_error {
 public:
  UdpFailure(const std::string& what, int number);
  /** Of the last system call of this thread. */
  static UdpFailure last(const std::string& what);

  /** `EADDRINUSE` and its like. */
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

}  // namespace tributary
