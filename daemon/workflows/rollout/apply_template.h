// One channel brought to a version of the template. Used by rollout.cc; safe to repeat, also by two workers at once,
// and after a run that was cut off anywhere.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "workflows/rollout/channel_template.h"
#include "workflows/rollout/template_steps.h"
#include "workflows/services.h"

namespace channels {

struct RolloutTarget {
  ChannelTemplate wanted;
  TemplateHistory history;
};

// What was left as somebody made it.
struct KeptDocument {
  std::string id;
  KeptBecause why;
};

// A design document whose views are others than the channel has is written as "_design/NAME.next" first; its index is
// built there (CouchDB names index files by what is in the views, not by the design document), and only then it is
// switched: in one request with the end of the other, and nobody who reads a view waits.
//
// `record`: the channel's. Throws Refused where the channel does not take it, Unavailable where the server is away or
// an index does not come to its end.
std::vector<KeptDocument> apply_template(Services& services, const RolloutTarget& target, const Document& record,
                                         const std::stop_token& stop);

// Documents that a new channel is made with.
std::vector<Document> documents_of(const ChannelTemplate& wanted);

}  // namespace channels
