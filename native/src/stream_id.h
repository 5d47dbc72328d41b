#pragma once

#include <string>
#include <vector>

#include "options.h"

namespace tributary {

/**
 * What an unknown stream id may mean to a listener of this role, likeliest first and without the id itself: the dialects of other servers
 * and a left-over query. The same as `streamIdForms` in JavaScript, which has the table; here because the listen callback cannot ask there.
 */
std::vector<std::string> streamIdForms(const std::string& streamId, Role role);

}  // namespace tributary
