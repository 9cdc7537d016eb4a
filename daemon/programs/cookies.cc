#include "programs/cookies.h"

#include "base/errors.h"
#include "base/log.h"
#include "couch/database.h"

namespace channels {

namespace {

constexpr seconds fresh{60};
constexpr seconds longest_request{5};

}  // namespace

Cookies::Cookies(Env& env, Transport& transport, Credentials& credentials, std::string url, std::string username,
                 std::string password)
    : env_(env),
      transport_(transport),
      credentials_(credentials),
      url_(std::move(url)),
      username_(std::move(username)),
      password_(std::move(password)),
      server_(transport, credentials, url_) {}

std::string Cookies::cookie_of(const std::string& user) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = made_.find(user);
    if (found != made_.end() && env_.mono_now() - found->second.at < fresh) return found->second.cookie;
  }
  std::string cookie = make(user);
  const std::lock_guard lock(mutex_);
  made_[user] = {cookie, env_.mono_now()};
  return cookie;
}

std::string Cookies::make(const std::string& user) {
  if (!user.empty()) {
    std::string cookie = credentials_.cookie_of(user, salt_of(user));
    if (cookie.empty())
      throw Refused(401, "role_user needs the cookie secret: leave [channels] username and password empty, and let "
                         "the daemon read [admins] and [chttpd_auth] secret");
    return cookie;
  }
  for (const auto& [name, value] : credentials_.headers()) {
    if (name == "Cookie") return value;
  }
  return log_in();
}

// CouchDB gives a cookie to who comes by name and password.
std::string Cookies::log_in() {
  HttpRequest request;
  request.method = "POST";
  request.url = url_ + "_session";
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.timeout = longest_request;
  request.body = json::serialize(json::object{{"name", username_}, {"password", password_}});
  const HttpResponse response = transport_.send(request);
  throw_unless_ok("POST", "_session", response);
  return response.set_cookie.substr(0, response.set_cookie.find(';'));
}

std::string Cookies::salt_of(const std::string& user) {
  Server::Options options;
  options.timeout = longest_request;
  const Reply reply = server_.request("GET", "_users/org.couchdb.user%3A" + url_encode(user), nullptr, {404}, options);
  const json::object* doc = reply.status == 404 ? nullptr : reply.body.if_object();
  const auto salt = doc == nullptr ? std::nullopt : get_string(*doc, "salt");
  if (!salt) throw Refused(404, "role_user " + escaped(user) + ": there is no such user in _users, or it has no password");
  return std::string(*salt);
}

}  // namespace channels
