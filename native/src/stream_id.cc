#include "stream_id.h"

#include <algorithm>
#include <string_view>

namespace tributary {
namespace {

using View = std::string_view;

constexpr View kKeyed = "#!::";

class Forms {
 public:
  explicit Forms(View original) : original_(original) {}

  void add(View form) {
    if (form.empty() || form == original_) return;
    if (std::find(found_.begin(), found_.end(), form) == found_.end()) found_.emplace_back(form);
  }

  std::vector<std::string> take() { return std::move(found_); }

 private:
  const View original_;
  std::vector<std::string> found_;
};

bool startsWith(View text, View head) { return text.substr(0, head.size()) == head; }

/** Everything before the first `mark`; all of it when there is none. */
View before(View text, char mark) { return text.substr(0, text.find(mark)); }

/** `#!::r=x,m=publish,u=y`: the resource, else the user. A mode of the other role is no form. */
void addKeyed(View pairs, Role role, Forms& forms) {
  View values[3];
  bool isGiven[3] = {false, false, false};
  constexpr View kNames = "rum";
  while (!pairs.empty()) {
    const View pair = before(pairs, ',');
    pairs.remove_prefix(std::min(pairs.size(), pair.size() + 1));
    if (pair.size() < 2 || pair[1] != '=') continue;
    const size_t at = kNames.find(pair[0]);
    if (at == View::npos || isGiven[at]) continue;
    isGiven[at] = true;
    values[at] = pair.substr(2);
  }
  const View mode = values[2];
  const View foreign = role == Role::publish ? "request" : "publish";
  if (mode == foreign) return;
  for (const View value : {values[0], values[1]}) {
    forms.add(value);
    forms.add(before(value, '?'));
  }
}

/** `publish/live/x`, `play/live/x`, `publish:x`, `read:x`, `publish:x:user:password`. */
void addNamed(View text, Role role, Forms& forms) {
  const bool publishes = role == Role::publish;
  const View path = publishes ? "publish/" : "play/";
  const View colon = publishes ? "publish:" : "read:";
  if (startsWith(text, path)) {
    const View rest = text.substr(path.size());
    const size_t slash = rest.find('/');
    // An application, then the id, which may hold slashes itself.
    if (slash != View::npos && slash > 0) forms.add(rest.substr(slash + 1));
  } else if (startsWith(text, colon)) {
    const View rest = text.substr(colon.size());
    forms.add(rest);
    forms.add(before(rest, ':'));
  }
}

}  // namespace

std::vector<std::string> streamIdForms(const std::string& streamId, Role role) {
  const View text = streamId;
  Forms forms(text);
  if (startsWith(text, kKeyed)) {
    addKeyed(text.substr(kKeyed.size()), role, forms);
    return forms.take();
  }
  const View withoutQuery = before(text, '?');
  forms.add(withoutQuery);
  addNamed(text, role, forms);
  addNamed(withoutQuery, role, forms);
  return forms.take();
}

}  // namespace tributary
