#include "couch/answer.h"

#include "base/errors.h"

namespace channels {

void throw_strange_answer(std::string_view what) {
  throw Unavailable("the answer to " + std::string(what) + " is not CouchDB's");
}

json::object& object_in(json::value& answer, std::string_view what) {
  json::object* object = answer.if_object();
  if (object == nullptr) throw_strange_answer(what);
  return *object;
}

json::array& array_in(json::value& answer, std::string_view what) {
  json::array* array = answer.if_array();
  if (array == nullptr) throw_strange_answer(what);
  return *array;
}

json::array& array_in(json::value& answer, std::string_view key, std::string_view what) {
  json::value* member = object_in(answer, what).if_contains(key);
  if (member == nullptr) throw_strange_answer(what);
  return array_in(*member, what);
}

std::string string_in(const json::value& answer, std::string_view what) {
  const json::string* text = answer.if_string();
  if (text == nullptr) throw_strange_answer(what);
  return {text->data(), text->size()};
}

std::string seq_in(json::value& answer, std::string_view key, std::string_view what) {
  const json::value* seq = object_in(answer, what).if_contains(key);
  if (seq == nullptr || seq->is_null()) throw_strange_answer(what);
  return seq->is_string() ? string_in(*seq, what) : json::serialize(*seq);
}

}  // namespace channels
