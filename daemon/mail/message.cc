#include "mail/message.h"

#include <algorithm>

#include "base/digest.h"
#include "mail/text.h"

namespace channels {

namespace {

constexpr std::size_t base64_line = 76;       // RFC 2045, section 6.8
// An encoded word has at most 75 characters, a line that holds one 76, header's name included (RFC 2047).
constexpr std::size_t bytes_in_a_word = 39;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

// RFC 2047: words of base64, folded, none of them cut inside a character.
std::string encoded_words(const std::string& text) {
  std::string words;
  std::string part;
  const auto flush = [&] {
    if (part.empty()) return;
    if (!words.empty()) words += "\r\n ";
    words += "=?UTF-8?B?" + base64(part) + "?=";
    part.clear();
  };
  for (const char32_t point : code_points(text)) {
    std::string bytes;
    append_utf8(bytes, point);
    if (part.size() + bytes.size() > bytes_in_a_word) flush();
    part += bytes;
  }
  flush();
  return words;
}

std::string header_text(std::string_view text) {
  std::string line = single_line(text);
  // A line of plain ASCII may stay as it is while it is short; "=?" would be taken for a word.
  if (is_ascii(line) && line.size() <= 60 && line.find("=?") == line.npos) return line;
  return encoded_words(line);
}

std::string from_header(std::string_view from) {
  const std::string address = single_line(address_in(from));
  const std::size_t angle = from.find('<');
  std::string name = angle == from.npos ? "" : single_line(from.substr(0, angle));
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  if (name.empty()) return address;
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == ' ' || c == '-' || c == '_';
  });
  return (plain ? name : encoded_words(name)) + "\r\n <" + address + ">";
}

std::string base64_lines(std::string_view text) {
  const std::string encoded = base64(text);
  std::string lines;
  for (std::size_t at = 0; at < encoded.size(); at += base64_line)
    lines += encoded.substr(at, base64_line) + "\r\n";
  return lines;
}

std::string part(std::string_view type, std::string_view content) {
  return "Content-Type: " + std::string(type) +
         "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(content);
}

}  // namespace

std::string address_in(std::string_view from) {
  const std::size_t open = from.rfind('<');
  const std::size_t close = from.rfind('>');
  if (open == from.npos || close == from.npos || close < open) return std::string(from);
  return std::string(from.substr(open + 1, close - open - 1));
}

std::string compose(const Mail& mail) {
  // Base64 has no "_": the boundary cannot occur in a part.
  const std::string boundary = "=_" + sha256_hex(mail.message_id).substr(0, 32);
  std::string message;
  const auto header = [&](std::string_view name, const std::string& value) {
    message += std::string(name) + ": " + value + "\r\n";
  };
  header("Date", format_mail_date(mail.date));
  header("From", from_header(mail.from));
  header("To", single_line(mail.to));
  header("Message-ID", single_line(mail.message_id));
  header("Subject", header_text(mail.subject));
  // No out-of-office answers (RFC 3834).
  header("Auto-Submitted", "auto-generated");
  if (!mail.language.empty()) header("Content-Language", single_line(mail.language));
  header("MIME-Version", "1.0");
  header("Content-Type", "multipart/alternative;\r\n boundary=\"" + boundary + "\"");
  message += "\r\n";
  message += "--" + boundary + "\r\n" + part("text/plain", mail.text);
  message += "--" + boundary + "\r\n" + part("text/html", mail.html);
  message += "--" + boundary + "--\r\n";
  return message;
}

}  // namespace channels
