#pragma once

#include <stdexcept>
#include <string>

namespace tributary {

/** A libsrt call that failed. `code` is what JavaScript sees: a system name such as EADDRINUSE, else SRT_… */
class SrtFailure : public std::runtime_error {
 public:
  SrtFailure(std::string code, int srtCode, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)), srtCode_(srtCode) {}

  /** From libsrt's last error, which is thread-local: call it in the thread and right after the call that failed. */
  static SrtFailure last(const std::string& what);

  const std::string& code() const { return code_; }
  int srtCode() const { return srtCode_; }

 private:
  std::string code_;
  int srtCode_;
};

}  // namespace tributary
