// The documents of template_db as one version of them, which every channel gets: its making (channel.cc) and the
// rollouts (rollout.h) write them. All of it is pure, but for the holder at the end.
//
// A document is known by its content, not by its revision: what a channel has and what the template had are the same
// where members, attachments and all are the same, however they came there. So a run that was cut off leaves nothing
// to note, and what somebody changed and changed back is unchanged.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/parsed.h"
#include "couch/document.h"

namespace channels {

// 32 hex digits over all but _id, _rev and other members of CouchDB's own; of attachments their type and CouchDB's
// digest.
std::string content_digest(const Document& doc);

// Not `description`, _design/channels and what a rollout itself writes for a while ("_design/NAME.next").
bool may_be_in_template(std::string_view id);
// Under that id the indexes of a design document are made before it is switched.
std::string temporary_id(std::string_view design_id);

struct TemplateDoc {
  std::string digest;
  Document doc;  // as it is written: without _rev, attachments with their data
};

struct ChannelTemplate {
  std::string version;  // digest of all ids and contents; "" without documents
  std::map<std::string, TemplateDoc> docs;
};

// Rows of _all_docs with documents and attachments. Invalid says why this is too much for every channel.
Parsed<ChannelTemplate> template_of(const std::vector<json::object>& rows);
// Beyond that it is Invalid: each channel has a copy, and the daemon holds one in memory.
constexpr std::size_t most_template_docs = 200;
constexpr std::size_t largest_template = std::size_t{4} << 20;  // bytes of JSON, attachments in base64

// What a view's index is made from (CouchDB names its file by a digest of these); empty if there is no view.
Document index_part(const Document& design_doc);

// What the template had, by version: {"_id": "templates", "type": "templates", "versions": [{"version", "time", "docs":
// {"<id>": "<digest>"}}]}, the newest last, in the registry.
class TemplateHistory {
 public:
  explicit TemplateHistory(const Document& templates);

  // All ids that any of them had.
  const std::set<std::string>& ids() const { return ids_; }
  // Is it a content that the template ever had under this id?
  bool ever_had(const std::string& id, const std::string& digest) const;
  // Had this version such a document? Of a version that is not known any more: yes, if any had.
  bool had(const std::string& version, const std::string& id) const;
  // Of one version: id to digest; nullptr if it is not known.
  const std::map<std::string, std::string>* docs_of(const std::string& version) const;

 private:
  std::map<std::string, std::map<std::string, std::string>> versions_;
  std::set<std::string> ids_;
};

// Puts this version at the end; drops the oldest beyond the last twenty. A channel that is further behind than that
// has its documents taken for changed: kept, and reported.
void note_version(Document& templates, const ChannelTemplate& added, const std::string& time);

// The version that new channels get; put by the thread of the rollouts, so that making a channel reads nothing for it.
class TemplateInUse {
 public:
  // Null: none.
  std::shared_ptr<const ChannelTemplate> get() const;
  void put(std::shared_ptr<const ChannelTemplate> used);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ChannelTemplate> used_;  // guarded by mutex_
};

}  // namespace channels
