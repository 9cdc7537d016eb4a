#include "mail/smtp_mailer.h"

#include <curl/curl.h>

#include <memory>

#include "base/check.h"
#include "base/errors.h"

namespace channels {

namespace {

struct Handle {
  Handle() : curl(curl_easy_init()) { check(curl != nullptr, "libcurl gave no handle"); }
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  CURL* curl;
};

// A connection for each mail: they are few, and mail servers close idle ones.
struct Upload {
  std::string message;
  const MayFinish& may_finish;
  std::size_t sent = 0;
};

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& upload = *static_cast<Upload*>(user);
  // After this libcurl sends the line with the dot, by which the server takes the mail (RFC 5321, section 4.1.1.4).
  if (upload.sent == upload.message.size() && !upload.may_finish()) return CURL_READFUNC_ABORT;
  const std::size_t length = std::min(size * count, upload.message.size() - upload.sent);
  upload.message.copy(buffer, length, upload.sent);
  upload.sent += length;
  return length;
}

void set_security(CURL* curl, const SmtpOptions& options) {
  curl_easy_setopt(curl, CURLOPT_USE_SSL,
                   static_cast<long>(options.require_starttls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  const bool verify = options.require_starttls || !options.password.empty() ||
                      options.server.starts_with("smtps://");
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (options.username.empty()) return;
  curl_easy_setopt(curl, CURLOPT_USERNAME, options.username.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, options.password.c_str());
}

// `details`: CURL_ERROR_SIZE bytes that outlive the handle's use.
void set_connection(CURL* curl, const SmtpOptions& options, milliseconds timeout, char* details) {
  curl_easy_setopt(curl, CURLOPT_URL, options.server.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  set_security(curl, options);
}

void throw_unless_sent(CURL* curl, CURLcode result, const char* details) {
  if (result == CURLE_OK) return;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  std::string what = "mail server: ";
  what += details[0] != '\0' ? details : curl_easy_strerror(result);
  if (status >= 500 && status < 600) throw Refused(static_cast<int>(status), what);
  if (result == CURLE_LOGIN_DENIED) throw Refused(535, what);
  if (result == CURLE_USE_SSL_FAILED) throw Refused(530, what + " (starttls = required)");
  throw Unavailable(what);
}

}  // namespace

SmtpMailer::SmtpMailer(SmtpOptions options) : options_(std::move(options)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

void SmtpMailer::send(const Mail& mail, milliseconds timeout, const MayFinish& may_finish) {
  const Handle handle;
  CURL* curl = handle.curl;
  Upload upload{compose(mail), may_finish};
  const std::string from = "<" + address_in(mail.from) + ">";
  const std::string to = "<" + mail.to + ">";
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> recipients(
      curl_slist_append(nullptr, to.c_str()), curl_slist_free_all);
  char details[CURL_ERROR_SIZE] = "";
  set_connection(curl, options_, timeout, details);
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
  throw_unless_sent(curl, curl_easy_perform(curl), details);
}

void SmtpMailer::try_connection(milliseconds timeout) const {
  const Handle handle;
  CURL* curl = handle.curl;
  char details[CURL_ERROR_SIZE] = "";
  set_connection(curl, options_, timeout, details);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "NOOP");
  curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  throw_unless_sent(curl, curl_easy_perform(curl), details);
}

}  // namespace channels
