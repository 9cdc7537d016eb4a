#include "simulation/couch/javascript.h"

#include <duktape.h>

#include "base/check.h"

namespace channels::simulation {

namespace {

// What the query server gives to functions, and `run`, which calls the function at a path of the design document.
constexpr const char* prelude = R"js(
var ddoc = null, rows = [], modules = {}, functions = {};
function emit(key, value) { rows.push([key === undefined ? null : key, value === undefined ? null : value]); }
function log() {}
function isArray(value) { return Array.isArray(value); }
function toJSON(value) { return JSON.stringify(value); }
function sum(values) { for (var i = 0, total = 0; i < values.length; i++) total += values[i]; return total; }

function at(path) {
  for (var i = 0, node = ddoc; i < path.length; i++) {
    if (node === null || typeof node !== 'object' || !node.hasOwnProperty(path[i])) {
      throw {error: 'invalid_require_path', reason: 'Object has no property "' + path[i] + '"'};
    }
    node = node[path[i]];
  }
  return node;
}

function requirer(folder) {
  return function (name) {
    var parts = name.split('/'), path = name.charAt(0) === '.' ? folder.slice() : [];
    for (var i = 0; i < parts.length; i++) {
      if (parts[i] === '..') path.pop(); else if (parts[i] !== '.') path.push(parts[i]);
    }
    var id = path.join('/');
    if (!modules.hasOwnProperty(id)) {
      var module = modules[id] = {id: id, exports: {}};
      var body = new Function('module', 'exports', 'require', at(path));
      body.call({}, module, module.exports, requirer(path.slice(0, -1)));
    }
    return modules[id].exports;
  };
}
var require = requirer([]);

function run(text) {
  var call = JSON.parse(text), id = call.path.join('/');
  rows = [];
  try {
    if (!functions.hasOwnProperty(id)) functions[id] = (0, eval)('(' + at(call.path).replace(/[;\s]+$/, '') + ')');
    var result = functions[id].apply(ddoc, call.arguments);
    return JSON.stringify({result: result === undefined ? null : result, rows: rows});
  } catch (error) {
    if (error && error.forbidden !== undefined) return JSON.stringify({error: 'forbidden', reason: error.forbidden});
    if (error && error.unauthorized !== undefined) {
      return JSON.stringify({error: 'unauthorized', reason: error.unauthorized});
    }
    return JSON.stringify({error: String(error && error.name || 'error'), reason: String(error && error.message || error)});
  }
}
)js";

const json::object* view_of(const json::object& design_doc, std::string_view view) {
  const json::object* views = get_object(design_doc, "views");
  return views == nullptr ? nullptr : get_object(*views, view);
}

std::string text_of(const json::value& value) {
  return value.is_string() ? json::value_to<std::string>(value) : json::serialize(value);
}

}  // namespace

JavaScript::JavaScript(const json::object& design_doc) : design_doc_(design_doc) {}

JavaScript::~JavaScript() {
  if (heap_ != nullptr) duk_destroy_heap(heap_);
}

bool JavaScript::has_validation() const {
  return get_string(design_doc_, "validate_doc_update").has_value();
}

bool JavaScript::has_view(std::string_view view) const {
  const json::object* found = view_of(design_doc_, view);
  return found != nullptr && get_string(*found, "map").has_value();
}

bool JavaScript::has_filter(std::string_view filter) const {
  const json::object* filters = get_object(design_doc_, "filters");
  return filters != nullptr && get_string(*filters, filter).has_value();
}

std::string JavaScript::reduce(std::string_view view) const {
  const json::object* found = view_of(design_doc_, view);
  if (found == nullptr) return "";
  const std::string source = string_or(*found, "reduce", "");
  return source.substr(0, source.find_last_not_of(" \n\r\t") + 1);
}

std::string JavaScript::views_text() const {
  const json::value* views = design_doc_.if_contains("views");
  return views == nullptr ? "" : json::serialize(*views);
}

void JavaScript::make_heap() {
  heap_ = duk_create_heap_default();
  check(heap_ != nullptr, "no memory for a JavaScript heap");
  check(duk_peval_string(heap_, prelude) == 0, "the prelude of design functions does not run");
  duk_pop(heap_);
  const std::string text = json::serialize(design_doc_);
  duk_push_lstring(heap_, text.data(), text.size());
  duk_json_decode(heap_, -1);
  duk_put_global_string(heap_, "ddoc");
}

json::object JavaScript::call(const std::string& path, const json::array& arguments) {
  if (heap_ == nullptr) make_heap();
  json::array parts;
  for (std::size_t start = 0, slash = 0; slash != std::string::npos; start = slash + 1) {
    slash = path.find('/', start);
    parts.emplace_back(path.substr(start, slash == std::string::npos ? slash : slash - start));
  }
  const std::string text = json::serialize(json::object{{"path", std::move(parts)}, {"arguments", arguments}});
  duk_get_global_string(heap_, "run");
  duk_push_lstring(heap_, text.data(), text.size());
  check(duk_pcall(heap_, 1) == 0, "a design function broke out of its frame");
  std::size_t length = 0;
  const char* answer = duk_get_lstring(heap_, -1, &length);
  json::value parsed = json::parse(json::string_view(answer, length));
  duk_pop(heap_);
  return std::move(parsed.as_object());
}

std::optional<JavaScript::Refusal> JavaScript::validate(const json::value& new_doc, const json::value& old_doc,
                                                        const json::value& user, const json::value& security) {
  const json::object answer = call("validate_doc_update", {new_doc, old_doc, user, security});
  if (!answer.contains("error")) return std::nullopt;
  return Refusal{text_of(answer.at("error")), text_of(answer.at("reason"))};
}

std::vector<JavaScript::Row> JavaScript::map(std::string_view view, const json::object& doc) {
  json::object answer = call("views/" + std::string(view) + "/map", {doc});
  std::vector<Row> rows;
  if (answer.contains("error")) return rows;
  for (json::value& row : answer.at("rows").as_array())
    rows.push_back({std::move(row.as_array()[0]), std::move(row.as_array()[1])});
  return rows;
}

bool JavaScript::filter(std::string_view filter, const json::object& doc, const json::object& request) {
  const json::object answer = call("filters/" + std::string(filter), {doc, request});
  const json::value* result = answer.if_contains("result");
  return result != nullptr && result->is_bool() && result->get_bool();
}

std::shared_ptr<JavaScript> Designs::of(const json::object& body) {
  std::shared_ptr<JavaScript>& found = by_text_[json::serialize(body)];
  if (!found) found = std::make_shared<JavaScript>(body);
  return found;
}

}  // namespace channels::simulation
