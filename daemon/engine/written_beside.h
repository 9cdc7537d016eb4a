// Documents for the registry that need no request of their own: the engine writes them with its checkpoints, once a second. Each
// is new, and nobody changes it afterwards: one that is there already was written by an earlier try. Used by the engine; the
// workflows' audit is one (workflows/audit_queue.h).
#pragma once

#include <string>
#include <vector>

#include "couch/document.h"

namespace channels {

class WrittenBeside {
 public:
  virtual ~WrittenBeside() = default;
  // What is to be written now; a limited number.
  virtual std::vector<Document> take() = 0;
  // They could not be written: the next take() gives them again.
  virtual void put_back(std::vector<Document> docs) = 0;
  // Of what was taken, those that are there. The others were refused, each for itself.
  virtual void written(const std::vector<std::string>& ids) = 0;
};

}  // namespace channels
