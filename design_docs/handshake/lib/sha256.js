// SHA-256 of UTF-8 text (FIPS 180-4), for CouchDB's JavaScript engines (ECMAScript 5, neither WebCrypto nor
// typed arrays) and for browsers where WebCrypto is missing (plain http). As a CommonJS module it fills
// `exports`; in a page it makes the global `sha256`.
//   utf8(text) -> bytes     digest(bytes) -> 32 bytes     hex(bytes) -> lower case
(function (out) {
  var K = [], H = [];

  // The first 32 bits of the fractional parts of the square and cube roots of the first primes.
  (function () {
    var candidate = 2, fraction = function (x) { return ((x - Math.floor(x)) * 4294967296) | 0; };
    while (K.length < 64) {
      var prime = true;
      for (var divisor = 2; divisor * divisor <= candidate; divisor++) {
        if (candidate % divisor === 0) prime = false;
      }
      if (prime) {
        if (H.length < 8) H.push(fraction(Math.pow(candidate, 1 / 2)));
        K.push(fraction(Math.pow(candidate, 1 / 3)));
      }
      candidate++;
    }
  })();

  function utf8(text) {
    var bytes = [], escaped = encodeURIComponent(text);
    for (var i = 0; i < escaped.length; i++) {
      if (escaped.charAt(i) === '%') {
        bytes.push(parseInt(escaped.substr(i + 1, 2), 16));
        i += 2;
      } else {
        bytes.push(escaped.charCodeAt(i));
      }
    }
    return bytes;
  }

  function padded(bytes) {
    var all = bytes.concat([0x80]);
    while (all.length % 64 !== 56) all.push(0);
    var bits = bytes.length * 8;
    for (var shift = 7; shift >= 0; shift--) all.push(Math.floor(bits / Math.pow(256, shift)) & 255);
    return all;
  }

  function rotated(word, by) { return (word >>> by) | (word << (32 - by)); }

  function schedule(bytes, at) {
    var w = [], i;
    for (i = 0; i < 16; i++) {
      var p = at + 4 * i;
      w[i] = (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
    }
    for (i = 16; i < 64; i++) {
      var a = w[i - 15], b = w[i - 2];
      var s0 = rotated(a, 7) ^ rotated(a, 18) ^ (a >>> 3);
      var s1 = rotated(b, 17) ^ rotated(b, 19) ^ (b >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    return w;
  }

  function compress(state, w) {
    var s = state.slice(0);
    for (var i = 0; i < 64; i++) {
      var e = s[4], a = s[0];
      var s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
      var t1 = (s[7] + s1 + ((e & s[5]) ^ (~e & s[6])) + K[i] + w[i]) | 0;
      var s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
      var t2 = (s0 + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]))) | 0;
      s = [(t1 + t2) | 0, a, s[1], s[2], (s[3] + t1) | 0, e, s[5], s[6]];
    }
    for (var j = 0; j < 8; j++) state[j] = (state[j] + s[j]) | 0;
  }

  function digest(bytes) {
    var state = H.slice(0), all = padded(bytes), result = [];
    for (var at = 0; at < all.length; at += 64) compress(state, schedule(all, at));
    for (var i = 0; i < 32; i++) result.push((state[i >> 2] >>> (24 - 8 * (i % 4))) & 255);
    return result;
  }

  function hex(bytes) {
    var text = '';
    for (var i = 0; i < bytes.length; i++) text += (bytes[i] + 256).toString(16).substr(1);
    return text;
  }

  out.utf8 = utf8;
  out.digest = digest;
  out.hex = hex;
  out.hexOf = function (text) { return hex(digest(utf8(text))); };
})(typeof exports === 'object' ? exports : (this.sha256 = {}));
