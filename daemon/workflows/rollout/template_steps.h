// What a rollout does with one document of a channel. Pure; used by apply_template.cc, which reads and writes.
#pragma once

#include <string>

namespace channels {

// Why a document was left as it is, as reports say it.
enum class KeptBecause {
  changed,  // somebody changed it
  deleted,  // somebody deleted it
  taken     // there was one of that id before the template had any
};
std::string word_of(KeptBecause why);

enum class TemplateStep { leave, put, remove, keep };

struct Decision {
  TemplateStep step = TemplateStep::leave;
  KeptBecause why{};  // of keep
};

// One document, in the template and in the channel.
struct Compared {
  std::string wanted{};  // digest in the version that is rolled out; "" if that has none
  bool was_had = false;  // the channel's last version had one
  enum class There { never, deleted, live } there = There::never;
  bool deleted_by_us = false;  // of a deleted one: a rollout may have done it
  std::string found{};         // digest of the live one
  bool is_templates = false;   // that is a content that the template ever had
};

Decision decide(const Compared& doc);

}  // namespace channels
