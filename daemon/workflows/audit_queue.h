// Audit entries (audit.h) on their way from the records that hold them to documents of their own. The registry puts them in after
// each save; the engine takes them along with its checkpoints, once a second, so that an entry costs no request. What is here
// is in a record as well: a killed process, or a queue that is full, loses nothing but time.
//
// Thread-safe. Registry has one.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "couch/document.h"
#include "engine/written_beside.h"

namespace channels {

class AuditQueue : public WrittenBeside {
 public:
  // Those that the record holds, but for what is known to be written. The record is in the registry as it is here.
  void put(const Document& record);
  // Takes out of the record what is known to be written: for who is about to save it anyway.
  void strip(Document& record);

  std::vector<Document> take() override;
  void put_back(std::vector<Document> entries) override;
  void written(const std::vector<std::string>& ids) override;

 private:
  std::mutex mutex_;
  std::map<std::string, Document> waiting_;  // by id, so the oldest first; guarded by mutex_
  std::set<std::string> written_;            // the ids of late; guarded by mutex_
};

}  // namespace channels
