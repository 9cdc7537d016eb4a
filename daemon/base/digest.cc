#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace channels {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac_with(const EVP_MD* hash, std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int length = 0;
  const unsigned char* done = HMAC(hash, key.data(), static_cast<int>(key.size()),
                                   bytes_of(message), message.size(), out.data(), &length);
  check(done != nullptr, "OpenSSL failed to compute an HMAC");
  return {reinterpret_cast<const char*>(out.data()), length};
}

std::string encode_base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

}  // namespace

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string sha256_hex(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int length = 0;
  const int done =
      EVP_Digest(data.data(), data.size(), out.data(), &length, EVP_sha256(), nullptr);
  check(done == 1, "OpenSSL failed to compute a SHA-256");
  return hex({reinterpret_cast<const char*>(out.data()), length});
}

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  return hex(hmac_with(EVP_sha256(), key, message));
}

std::string hmac(std::string_view hash, std::string_view key, std::string_view message) {
  const std::string name(hash == "sha" ? "sha1" : hash);
  const EVP_MD* known = EVP_get_digestbyname(name.c_str());
  return known == nullptr ? std::string() : hmac_with(known, key, message);
}

std::string pbkdf2_sha1(std::string_view password, std::string_view salt, int iterations, int length) {
  std::string key(static_cast<std::size_t>(length), '\0');
  const int done = PKCS5_PBKDF2_HMAC_SHA1(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                                          static_cast<int>(salt.size()), iterations, length,
                                          reinterpret_cast<unsigned char*>(key.data()));
  check(done == 1, "OpenSSL failed to derive a key");
  return key;
}

std::string base64url(std::string_view bytes) {
  std::string out = encode_base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::string base64(std::string_view bytes) {
  return encode_base64(bytes);
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool is_lower_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace channels
