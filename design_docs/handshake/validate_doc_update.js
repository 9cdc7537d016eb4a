function (newDoc, oldDoc, userCtx) {
  // Everyone may write here, so a document is accepted only if its id proves what it says: a device's owner and
  // credential, a confirm's answer and proof. Only the daemon (an admin) changes or deletes one. A
  // replication (new_edits=false) can still add a branch to any document, but the branch must prove
  // the same id, so it says the same. docs/security.md tells what that leaves open.
  if (userCtx.roles.indexOf('_admin') !== -1) return;

  var sha256 = require('lib/sha256');

  function refuse(reason) { throw {forbidden: reason}; }

  function text(value, longest, what) {
    if (typeof value !== 'string' || value.length > longest) {
      refuse(what + ' must be a string of at most ' + longest + ' characters');
    }
  }

  // A pattern alone would take ["ab"] for "ab", in any depth of brackets.
  function hex(value, pattern, what) {
    if (typeof value !== 'string' || !pattern.test(value)) refuse(what);
  }

  function only(object, names, what) {
    for (var name in object) {
      if (names.indexOf(name) === -1) refuse(what + ' must not have the field "' + name.substr(0, 40) + '"');
    }
  }

  function credential(value) {
    if (!value || typeof value !== 'object') refuse('credential must be an object');
    only(value, ['password_scheme', 'salt', 'iterations', 'derived_key'], 'credential');
    if (value.password_scheme !== 'pbkdf2') refuse('credential.password_scheme must be "pbkdf2"');
    if (value.iterations !== 1) refuse('credential.iterations must be 1');
    hex(value.salt, /^[0-9a-f]{32}$/, 'credential.salt must be 32 lower-case hex digits');
    hex(value.derived_key, /^[0-9a-f]{40}$/, 'credential.derived_key must be 40 lower-case hex digits');
  }

  function device() {
    only(newDoc, ['_id', '_rev', '_revisions', 'type', 'state', 'owner', 'name', 'locale', 'credential'], 'a device');
    if (newDoc.state !== 'new') refuse('a device can only be made in state "new"');
    text(newDoc.owner, 254, 'owner');
    if (newDoc.name !== undefined) text(newDoc.name, 200, 'name');
    if (newDoc.locale !== undefined) text(newDoc.locale, 35, 'locale');
    credential(newDoc.credential);
    var proof = newDoc.owner + '\n' + newDoc.credential.salt + '\n' + newDoc.credential.derived_key;
    if (newDoc._id !== sha256.hexOf(proof)) refuse('_id must be the SHA-256 of owner, salt and derived_key');
  }

  function confirm() {
    only(newDoc, ['_id', '_rev', '_revisions', 'type', 'state', 'device', 'answer', 'proof'], 'a confirm');
    if (newDoc.state !== 'clicked') refuse('a confirm can only be made in state "clicked"');
    hex(newDoc.device, /^[0-9a-f]{32}([0-9a-f]{32})?$/, 'device must be the id from the mail');
    if (['yes', 'yes, sign out all others', 'not me'].indexOf(newDoc.answer) === -1) {
      refuse('answer must be "yes", "yes, sign out all others" or "not me"');
    }
    hex(newDoc.proof, /^[0-9a-f]{64}$/, 'proof must be 64 lower-case hex digits');
    var proof = newDoc.device + '\n' + newDoc.answer + '\n' + newDoc.proof;
    if (newDoc._id !== sha256.hexOf(proof)) refuse('_id must be the SHA-256 of device, answer and proof');
  }

  function rotate() {
    only(newDoc, ['_id', '_rev', '_revisions', 'type', 'state', 'credential'], 'a rotate');
    if (newDoc.state !== 'new') refuse('a rotate can only be made in state "new"');
    credential(newDoc.credential);
    var parts = /^rotate-([0-9a-f]{64})-([1-9][0-9]{0,8})$/.exec(newDoc._id);
    if (!parts) refuse('_id must be rotate-<device id>-<number>');
    if (userCtx.name !== 'device-' + parts[1]) refuse('only the device itself may rotate its credential');
  }

  if (newDoc._deleted) refuse('only the daemon deletes documents here');
  if (oldDoc) refuse('this document is the daemon\'s now: a change is a new document');
  var history = newDoc._revisions;
  if (history && (history.start !== 1 || history.ids.length !== 1 || !/^[0-9a-f]{32}$/.test(history.ids[0]))) {
    refuse('a new document has one revision');
  }
  if (newDoc._attachments) refuse('attachments are not taken here');
  if (newDoc.type === 'device') return device();
  if (newDoc.type === 'confirm') return confirm();
  if (newDoc.type === 'rotate') return rotate();
  refuse('type must be "device", "confirm" or "rotate"');
}
