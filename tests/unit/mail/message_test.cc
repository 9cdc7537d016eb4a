#include "mail/message.h"

#include <gtest/gtest.h>

#include <openssl/evp.h>

#include "unit/support/text.h"

namespace channels {
namespace {

const std::string euros30 = repeated("\u20ac", 30);  // 90 bytes

Mail plain_mail() {
  Mail mail;
  mail.to = "alice@example.com";
  mail.from = "Channels <no-reply@example.com>";
  mail.message_id = "<1234@example.com>";
  mail.subject = "Confirm your device";
  mail.text = "Hello\n\nBye\n";
  mail.html = "<p>Hello</p>\n";
  mail.language = "en";
  mail.date = std::chrono::system_clock::from_time_t(1714567152);
  return mail;
}

std::string decoded_base64(std::string text) {
  std::erase(text, '\r');
  std::erase(text, '\n');
  std::string bytes(text.size(), '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  EXPECT_GE(length, 0) << text;
  bytes.resize(static_cast<std::size_t>(std::max(length, 0)));
  while (!text.empty() && text.back() == '=') {
    text.pop_back();
    bytes.pop_back();
  }
  return bytes;
}

// The header's fields, folded ones on one line.
std::vector<std::string> header_fields(const std::string& message) {
  std::vector<std::string> fields;
  for (const std::string& line : split(message.substr(0, message.find("\r\n\r\n")), "\r\n")) {
    if (line.starts_with(' ') && !fields.empty()) {
      fields.back() += line;
    } else {
      fields.push_back(line);
    }
  }
  return fields;
}

std::string field(const std::string& message, const std::string& name) {
  for (const std::string& line : header_fields(message)) {
    if (line.starts_with(name + ": ")) return line.substr(name.size() + 2);
  }
  return "(none)";
}

// RFC 2047: the text of a row of encoded words.
std::string decoded_words(const std::string& text) {
  std::string out;
  for (const std::string& word : split(text, " ")) {
    EXPECT_TRUE(word.starts_with("=?UTF-8?B?") && word.ends_with("?=")) << word;
    EXPECT_LE(word.size(), 75U);
    out += decoded_base64(word.substr(10, word.size() - 12));
  }
  return out;
}

TEST(Message, HasTheseHeaderFieldsAndNoOther) {
  const std::vector<std::string> expected = {
      "Date: Wed, 01 May 2024 12:39:12 +0000",
      "From: Channels <no-reply@example.com>",
      "To: alice@example.com",
      "Message-ID: <1234@example.com>",
      "Subject: Confirm your device",
      "Auto-Submitted: auto-generated",
      "Content-Language: en",
      "MIME-Version: 1.0",
  };
  auto fields = header_fields(compose(plain_mail()));
  ASSERT_EQ(fields.size(), expected.size() + 1);
  EXPECT_TRUE(fields.back().starts_with("Content-Type: multipart/alternative; boundary=\""))
      << fields.back();
  fields.pop_back();
  EXPECT_EQ(fields, expected);
}

TEST(Message, IsAlternativesOfTextAndHtml) {
  const std::string message = compose(plain_mail());
  const std::string type = field(message, "Content-Type");
  const std::size_t quote = type.find('"') + 1;
  const std::string boundary = type.substr(quote, type.rfind('"') - quote);
  const std::string body = message.substr(message.find("\r\n\r\n") + 4);
  const auto parts = split(body, "--" + boundary);
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[0], "");
  EXPECT_EQ(parts[3], "--\r\n");
  const std::pair<std::string, std::string> expected[] = {{"text/plain", plain_mail().text},
                                                          {"text/html", plain_mail().html}};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string head = "\r\nContent-Type: " + expected[i].first +
                             "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    ASSERT_TRUE(parts[i + 1].starts_with(head)) << parts[i + 1];
    EXPECT_EQ(decoded_base64(parts[i + 1].substr(head.size())), expected[i].second);
  }
}

TEST(Message, TakesNoHeaderFieldFromItsValues) {
  const std::string attack = "\r\nBcc: eve@evil.example\r\n\r\ninjected";
  for (std::string Mail::*member :
       {&Mail::to, &Mail::from, &Mail::message_id, &Mail::subject, &Mail::language}) {
    for (const std::string& text :
         {attack, std::string("\nBcc: eve@evil.example"), std::string("\rBcc: eve@evil.example"),
          std::string("\u2028Bcc: eve@evil.example")}) {
      Mail mail = plain_mail();
      mail.*member += text;
      const std::string message = compose(mail);
      const auto fields = header_fields(message);
      EXPECT_EQ(fields.size(), 9U) << message;
      for (const std::string& line : fields) EXPECT_FALSE(line.starts_with("Bcc")) << message;
      for (std::size_t at = 0; (at = message.find('\n', at)) != message.npos; ++at)
        EXPECT_EQ(message[at - 1], '\r');
    }
  }
  Mail mail = plain_mail();
  mail.from = "Eve\r\nBcc: eve@evil.example <no-reply@example.com>";
  EXPECT_EQ(field(compose(mail), "Bcc"), "(none)");
  mail.from = "Eve <no-reply@example.com\r\nBcc: eve@evil.example>";
  EXPECT_EQ(field(compose(mail), "Bcc"), "(none)");
}

TEST(Message, EncodesWhatAHeaderCannotCarry) {
  const std::string subjects[] = {"Best\u00e4tigen Sie Ihr Ger\u00e4t", euros30,
                                  "\U0001f600" + euros30,
                                  "=?UTF-8?B?QUJD?=", repeated("long ", 30) + "end"};
  for (const std::string& subject : subjects) {
    Mail mail = plain_mail();
    mail.subject = subject;
    EXPECT_EQ(decoded_words(field(compose(mail), "Subject")), subject);
  }
}

TEST(Message, CutsNoCharacterInTwo) {
  for (std::size_t before = 0; before < 8; ++before) {
    Mail mail = plain_mail();
    mail.subject = repeated("x", before) + euros30;
    for (const std::string& word : split(field(compose(mail), "Subject"), " ")) {
      const std::string bytes = decoded_base64(word.substr(10, word.size() - 12));
      EXPECT_NE(static_cast<unsigned char>(bytes.front()) & 0xC0, 0x80) << bytes;
    }
  }
}

TEST(Message, EncodesTheSendersName) {
  Mail mail = plain_mail();
  mail.from = "Kan\u00e4le <no-reply@example.com>";
  std::string from = field(compose(mail), "From");
  const std::string address = " <no-reply@example.com>";
  ASSERT_TRUE(from.ends_with(address)) << from;
  EXPECT_EQ(decoded_words(from.substr(0, from.size() - address.size())), "Kan\u00e4le");
  mail.from = "no-reply@example.com";
  EXPECT_EQ(field(compose(mail), "From"), "no-reply@example.com");
}

TEST(Message, HasShortLinesOfAscii) {
  Mail mail = plain_mail();
  mail.subject = repeated("\u20ac uro ", 60);
  mail.text = repeated("\u00e4", 5000);
  mail.html = repeated("<b>", 5000);
  for (const std::string& line : split(compose(mail), "\r\n")) {
    EXPECT_LE(line.size(), 78U) << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~');
  }
}

TEST(Message, FoldsALongSender) {
  Mail mail = plain_mail();
  mail.from = repeated("\u00e4", 21) + " <no-reply@example.com>";
  for (const std::string& line : split(compose(mail), "\r\n")) EXPECT_LE(line.size(), 78U) << line;
}

// RFC 2047, section 2.
TEST(Message, HasNoLineOver76WithAnEncodedWord) {
  Mail mail = plain_mail();
  mail.subject = euros30;
  for (const std::string& line : split(compose(mail), "\r\n")) {
    if (contains(line, "=?UTF-8?")) {
      EXPECT_LE(line.size(), 76U) << line;
    }
  }
}

// The quotes of RFC 5322 belong to the form, not to the name.
TEST(Message, TakesAQuotedNameForItsText) {
  Mail mail = plain_mail();
  mail.from = "\"Channels, Inc.\" <no-reply@example.com>";
  const std::string from = field(compose(mail), "From");
  EXPECT_TRUE(from == mail.from ||
              decoded_words(from.substr(0, from.find(" <"))) == "Channels, Inc.")
      << from;
}

TEST(Message, IsTheSameForARepeat) {
  EXPECT_EQ(compose(plain_mail()), compose(plain_mail()));
}

TEST(Message, FindsTheAddressOfASender) {
  const std::pair<std::string, std::string> cases[] = {{"a@b.c", "a@b.c"},
                                                       {"Name <a@b.c>", "a@b.c"},
                                                       {"<a@b.c>", "a@b.c"},
                                                       {"N <x> <a@b.c>", "a@b.c"},
                                                       {"a> <b", "a> <b"}};
  for (const auto& [from, address] : cases) EXPECT_EQ(address_in(from), address);
}

}  // namespace
}  // namespace channels
