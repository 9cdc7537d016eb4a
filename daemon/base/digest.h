// Hashes, codes and encodings, all by OpenSSL. Used for document ids, proofs, cookies and
// checkpoint names. Everything here is pure; random numbers come from Env.
#pragma once

#include <string>
#include <string_view>

namespace channels {

std::string hex(std::string_view bytes);  // lower case
std::string sha256_hex(std::string_view data);
std::string hmac_sha256_hex(std::string_view key, std::string_view message);
// Raw HMAC of the named hash ("sha1", "sha224", "sha256", "sha384", "sha512", "md5"), as CouchDB
// names them in hash_algorithms; empty if the name is unknown.
std::string hmac(std::string_view hash, std::string_view key, std::string_view message);

// PBKDF2 (RFC 8018) with HMAC-SHA-1: `length` raw bytes.
std::string pbkdf2_sha1(std::string_view password, std::string_view salt, int iterations, int length);

// base64url without padding (RFC 4648, section 5), as in AuthSession cookies.
std::string base64url(std::string_view bytes);
std::string base64(std::string_view bytes);

// Takes the same time wherever the first difference is. The lengths may be public.
bool equal_in_constant_time(std::string_view left, std::string_view right);

bool is_lower_hex(std::string_view text, std::size_t length);

}  // namespace channels
