#pragma once

#include <string>

namespace tributary {

/** Something that must be shut before libsrt is: an engine. */
class Closable {
 public:
  virtual void shutdown() = 0;

 protected:
  ~Closable() = default;
};

/** libsrt belongs to the process: started once, cleaned up when the process exits and not before. */
class SrtRuntime {
 public:
  /** Starts libsrt and its log handler at the first call. */
  static void ensureStarted();
  static std::string version();
  /** `closable` is shut at process exit when nobody did before. */
  static void enlist(Closable* closable);
  static void delist(Closable* closable);
};

}  // namespace tributary
