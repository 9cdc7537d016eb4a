#include "simulation/model/javascript.h"

#include <duktape.h>

#include "base/check.h"

namespace channels::simulation {

namespace {

// What CouchDB's query server gives to functions (share/server of its source): emit, require within the design
// document, and little else.
constexpr const char* prelude = R"js(
var rows = [], ddoc = null, modules = {};
function emit(key, value) { rows.push([key === undefined ? null : key, value === undefined ? null : value]); }
function log() {}
function isArray(x) { return Object.prototype.toString.call(x) === '[object Array]'; }
function toJSON(x) { return JSON.stringify(x); }
function load(path, from) {
  var parts = path.split('/'), at = (path.charAt(0) === '.') ? from.slice() : [], i, node = ddoc;
  for (i = 0; i < parts.length; i++) {
    if (parts[i] === '..') at.pop(); else if (parts[i] !== '.') at.push(parts[i]);
  }
  var id = at.join('/');
  if (modules[id]) return modules[id].exports;
  for (i = 0; i < at.length; i++) node = node[at[i]];
  var module = modules[id] = {exports: {}, id: id};
  var dir = at.slice(0, -1);
  (new Function('module', 'exports', 'require', node))(module, module.exports, function (p) { return load(p, dir); });
  return module.exports;
}
function require(path) { return load(path, []); }
var functions = {};
function compile(name, text) { functions[name] = (0, eval)('(' + text.replace(/;\s*$/, '') + ')'); }
function run(text) {
  var call = JSON.parse(text);
  rows = [];
  try {
    functions[call.name].apply(null, call.args);
  } catch (error) {
    if (error && (error.forbidden !== undefined || error.unauthorized !== undefined))
      return JSON.stringify({forbidden: error.forbidden, unauthorized: error.unauthorized});
    return JSON.stringify({error: String(error && error.stack || error)});
  }
  return JSON.stringify({rows: rows});
}
)js";

}  // namespace

JavaScript::JavaScript(const json::object& design_doc)
    : context_(duk_create_heap_default()), design_doc_(design_doc) {
  check(duk_peval_string(context_, prelude) == 0, "the prelude does not compile");
  duk_pop(context_);
  duk_get_global_string(context_, "JSON");
  duk_get_prop_string(context_, -1, "parse");
  duk_push_string(context_, json::serialize(design_doc).c_str());
  duk_call(context_, 1);
  duk_put_global_string(context_, "ddoc");
  duk_pop(context_);
  const auto compile = [&](const std::string& name, std::string_view text) {
    duk_get_global_string(context_, "compile");
    duk_push_string(context_, name.c_str());
    duk_push_lstring(context_, text.data(), text.size());
    if (duk_pcall(context_, 2) != 0) check(false, std::string("a design function does not compile: ") + duk_safe_to_string(context_, -1));
    duk_pop(context_);
  };
  if (const auto text = get_string(design_doc, "validate_doc_update")) {
    compile("validate", *text);
    has_validation_ = true;
  }
  if (const json::object* views = get_object(design_doc, "views")) {
    for (const auto& [name, view] : *views) {
      if (const auto text = view.is_object() ? get_string(view.as_object(), "map") : std::nullopt)
        compile("view/" + std::string(name), *text);
    }
  }
}

JavaScript::~JavaScript() {
  duk_destroy_heap(context_);
}

bool JavaScript::has_view(const std::string& view) const {
  const json::object* views = get_object(design_doc_, "views");
  return views != nullptr && views->contains(view);
}

json::value JavaScript::call(const std::string& function, const json::array& arguments) {
  duk_get_global_string(context_, "run");
  const std::string text = json::serialize(json::object{{"name", function}, {"args", arguments}});
  duk_push_lstring(context_, text.data(), text.size());
  check(duk_pcall(context_, 1) == 0, "a design function broke its frame");
  json::value answer = json::parse(duk_get_string(context_, -1));
  duk_pop(context_);
  return answer;
}

std::optional<JavaScript::Refusal> JavaScript::validate(const json::value& new_doc, const json::value& old_doc,
                                                        const json::value& user, const json::value& security) {
  const json::value answer = call("validate", {new_doc, old_doc, user, security});
  const json::object& object = answer.as_object();
  if (object.contains("rows")) return std::nullopt;
  if (const auto text = get_string(object, "unauthorized")) return Refusal{true, std::string(*text)};
  // CouchDB refuses a document at which its validation breaks.
  return Refusal{false, string_or(object, "forbidden", string_or(object, "error", "refused"))};
}

std::vector<JavaScript::Row> JavaScript::map(const std::string& view, const json::object& doc) {
  const json::value answer = call("view/" + view, {doc});
  std::vector<Row> rows;
  if (const json::array* found = get_array(answer.as_object(), "rows")) {
    for (const json::value& row : *found) rows.push_back({row.as_array().at(0), row.as_array().at(1)});
  }
  return rows;
}

}  // namespace channels::simulation
