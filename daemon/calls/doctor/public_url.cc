// What devices and browsers reach: public_url, the confirmation page, CORS.
#include <algorithm>

#include "base/log.h"
#include "calls/doctor/visit.h"

namespace channels {

namespace {

bool is_loopback(const std::string& url) {
  for (const char* host : {"://127.", "://localhost", "://[::1]"}) {
    if (url.find(host) != url.npos) return true;
  }
  return false;
}

Todo set_public_url() {
  return in_local_ini("channels",
                      {"public_url = https://HOST/        (this CouchDB, as devices reach it)"});
}

void check_scheme(Visit& visit) {
  const std::string& url = visit.settings.public_url;
  if (is_loopback(url)) {
    visit.report.note("public_url", url + " is reached from this machine alone", set_public_url());
  } else if (url.starts_with("http://")) {
    visit.report.note("public_url",
                      url + " is not encrypted: whoever is on the way reads devices' secrets",
                      set_public_url());
  }
}

// "NAME="VALUE"" values in an HTML text.
std::vector<std::string> attributes(std::string_view html, std::string_view name) {
  std::vector<std::string> values;
  const std::string opening = std::string(name) + "=\"";
  for (auto at = html.find(opening); at != html.npos; at = html.find(opening, at + 1)) {
    const auto begin = at + opening.size();
    values.emplace_back(html.substr(begin, html.find('"', begin) - begin));
  }
  return values;
}

std::string meta(const std::string& html, const std::string& name) {
  const auto at = html.find("name=\"" + name + "\"");
  if (at == html.npos) return {};
  const auto values = attributes(std::string_view(html).substr(at), "content");
  return values.empty() ? std::string() : values.front();
}

// The first of the page's own files that does not come; empty if all do.
std::string missing_part(const Visit& visit, const std::string& html) {
  const std::string& page = visit.settings.confirm_url;
  const std::string folder = page.substr(0, page.rfind('/') + 1);
  std::vector<std::string> parts = attributes(html, "src");
  for (const std::string& href : attributes(html, "href")) {
    if (href.ends_with(".css")) parts.push_back(href);
  }
  for (const std::string& part : parts) {
    if (part.find_first_of(":/") != part.npos) continue;
    if (look_at(visit, "GET", folder + part).status != 200) return folder + part;
  }
  return {};
}

// Whose fault is it that this, the page or a part of it, does not come?
void page_is_missing(Visit& visit, const std::string& url) {
  const Settings& settings = visit.settings;
  const std::string found = url + " " + look_at(visit, "GET", url).what();
  if (!url.starts_with(settings.public_url))
    return visit.report.fault("page", found,
                              {"correct [channels] confirm_url, or see to that server"});
  const std::string path = url.substr(settings.public_url.size());
  if (settings.public_url != settings.url &&
      look_at(visit, "GET", settings.url + path).status == 200)
    return visit.report.fault("page", found + "; from CouchDB itself it comes: a proxy blocks it",
                              {"let the proxy pass /_utils/channels/ to CouchDB "
                               "(docs/operations.md has a snippet for nginx)"});
  visit.report.fault("page", found,
                     {"lay the page out below CouchDB's share/www/channels (docs/operations.md, "
                      "\"The confirmation page\"),",
                      "or set [channels] confirm_url to where it is"});
}

}  // namespace

void check_public_url(Visit& visit) {
  const Settings& settings = visit.settings;
  check_scheme(visit);
  if (settings.public_url == settings.url)
    return visit.report.ok("public_url", settings.url + ", as the daemon's own");
  const Look look = look_at(visit, "GET", settings.public_url);
  const json::object welcome = look.object();
  if (look.status == 401)
    return visit.report.note(
        "public_url",
        settings.public_url + " answers to those only who log in: it cannot be compared");
  if (!welcome.contains("couchdb"))
    return visit.report.fault("public_url",
                              settings.public_url + " is not this CouchDB: " + look.what(),
                              set_public_url());
  const std::string uuid = string_or(welcome, "uuid", "");
  if (visit.uuids.empty())
    return visit.report.note("public_url", "this CouchDB has no uuid to be known by");
  if (!visit.uuids.contains(uuid))
    return visit.report.fault("public_url",
                              settings.public_url + " is another CouchDB than " + settings.url,
                              set_public_url());
  visit.report.ok("public_url", settings.public_url + " is this CouchDB");
}

void check_page(Visit& visit) {
  const std::string& page = visit.settings.confirm_url;
  const Look look = look_at(visit, "GET", page);
  const std::string missing = look.status == 200 ? missing_part(visit, look.body) : page;
  if (!missing.empty()) return page_is_missing(visit, missing);
  const std::string handshake = meta(look.body, "channels-handshake-db");
  if (handshake.empty())
    return visit.report.note("page", page + " is there, and is a page of your own");
  if (handshake != visit.settings.handshake_db)
    return visit.report.fault(
        "page",
        page + " writes to " + escaped(handshake) + ", and not to " + visit.settings.handshake_db,
        {"in a copy of your own, which [channels] confirm_url names:",
         "<meta name=\"channels-handshake-db\" content=\"" + visit.settings.handshake_db + "\">"});
  visit.report.ok("page", page);
}

void check_cors(Visit& visit) {
  const std::string section = visit.is_at_least(3, 2) ? "chttpd" : "httpd";
  if (visit.origin.empty()) {
    for (const Node& node : visit.nodes) {
      const bool is_on = value_in(node.running, "chttpd", "enable_cors") == "true" ||
                         value_in(node.running, "httpd", "enable_cors") == "true";
      if (!is_on)
        visit.report.note("cors", "is off" + visit.at(node) +
                                      ": no matter, unless an app in browsers comes from another "
                                      "origin; then: doctor --origin URL");
    }
    return;
  }
  // As a browser asks before a PUT of the plug-in's.
  const std::string url = visit.settings.public_url + url_encode(visit.settings.handshake_db);
  const Look look = look_at(visit, "OPTIONS", url, {},
                            {{"Origin", visit.origin},
                             {"Access-Control-Request-Method", "PUT"},
                             {"Access-Control-Request-Headers", "authorization,content-type"}});
  const auto header = [&look](const char* name) {
    const auto found = look.headers.find(name);
    return found == look.headers.end() ? std::string() : found->second;
  };
  const std::string allowed = header("access-control-allow-origin");
  std::string headers = header("access-control-allow-headers");
  std::transform(headers.begin(), headers.end(), headers.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool origin = allowed == "*" || allowed == visit.origin;
  const bool put = header("access-control-allow-methods").find("PUT") != std::string::npos;
  const bool fields =
      headers.find("authorization") != headers.npos && headers.find("content-type") != headers.npos;
  if (origin && put && fields)
    return visit.report.ok("cors", "a browser lets pages of " + visit.origin + " in");
  Todo todo =
      in_local_ini(section, {"enable_cors = true", "[cors]", "origins = " + visit.origin,
                             "methods = GET, PUT, POST, HEAD, DELETE",
                             "headers = accept, authorization, content-type, origin, referer"});
  todo.emplace_back(
      "(credentials are not needed; a proxy must pass OPTIONS and answer no OPTIONS itself)");
  // CouchDB leaves all of it out where one thing is not allowed.
  const std::string why =
      origin ? "PUT, or the headers authorization and content-type, are not allowed"
             : "the origin is not allowed";
  visit.report.fault("cors",
                     "a browser keeps pages of " + visit.origin + " out: " + why + " (OPTIONS " +
                         look.what() + ")",
                     todo);
}

}  // namespace channels
