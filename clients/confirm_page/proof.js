// What a confirmation consists of, without page and server: the link, the code that a person types, the
// proof made of both, the confirm document. Makes the global `proof`; needs `sha256`.
//
// Always our own HMAC, never WebCrypto: that is missing on plain http, and two ways would need two tests.
(function (out) {
  'use strict';

  var BLOCK_BYTES = 64;  // of SHA-256, for RFC 2104
  // A mail gateway may add something of its own to the link's end.
  var LINK = /^#([0-9a-f]{64}|[0-9a-f]{32})\.([0-9a-f]{64})(?![0-9a-z])/i;
  var DEVICE_CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/i;
  var LETTERS = /^[BCDFGHJKLMNPQRSTVWXZ]*$/i;
  // Blanks and dashes of all kinds, visible or not: people paste codes.
  var BETWEEN_LETTERS = /[\s\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff\-_.]/g;

  out.YES = 'yes';
  out.YES_ALONE = 'yes, sign out all others';
  out.NOT_ME = 'not me';

  function xored(bytes, mask) {
    var result = [];
    for (var i = 0; i < BLOCK_BYTES; i++) result.push((bytes[i] || 0) ^ mask);
    return result;
  }

  /** HMAC-SHA-256 of two texts, as lower-case hex. */
  out.hmacHex = function (key, message) {
    var bytes = sha256.utf8(key);
    if (bytes.length > BLOCK_BYTES) bytes = sha256.digest(bytes);
    var inner = sha256.digest(xored(bytes, 0x36).concat(sha256.utf8(message)));
    return sha256.hex(sha256.digest(xored(bytes, 0x5c).concat(inner)));
  };

  /** {subject, code, forAddress} of a URL's fragment; null if it is no link of ours. */
  out.linkIn = function (fragment) {
    var found = LINK.exec(fragment);
    if (!found) return null;
    return { subject: found[1].toLowerCase(), code: found[2].toLowerCase(), forAddress: found[1].length === 32 };
  };

  /** {code} in the form that the proof is made of, or {trouble}: the name of a text. */
  out.deviceCode = function (typed) {
    var plain = typed.normalize ? typed.normalize('NFKC') : typed;  // full-width letters of some keyboards
    plain = plain.replace(BETWEEN_LETTERS, '');
    if (DEVICE_CODE.test(plain)) return { code: plain.toUpperCase() };
    if (plain === '') return { trouble: 'codeMissing' };
    return { trouble: LETTERS.test(plain) ? 'codeLength' : 'codeLetters' };
  };

  /** The document that says `answer`; the device's code goes into its proof only. */
  out.confirmDocument = function (link, answer, deviceCode) {
    var made = out.hmacHex(link.code, answer === out.NOT_ME ? answer : answer + '\n' + deviceCode);
    return {
      _id: sha256.hexOf(link.subject + '\n' + answer + '\n' + made),
      type: 'confirm', state: 'clicked', device: link.subject, answer: answer, proof: made
    };
  };
})(this.proof = {});
