function (newDoc, oldDoc, userCtx, secObj) {
  // A user's devices write here, and a revision that arrives by replication is never offered again once
  // refused: so of those only the form is checked, and the daemon puts right what it owns. An
  // ordinary edit (a device that talks to this server directly) is told at once.
  if (userCtx.roles.indexOf('_admin') !== -1) return;

  // On a device's own CouchDB a database admin brings what the cloud let through already; there is none in the cloud.
  var admins = (secObj && secObj.admins && secObj.admins.roles) || [];
  for (var r = 0; r < userCtx.roles.length; r++) if (admins.indexOf(userCtx.roles[r]) !== -1) return;

  var owned = {
    device: ['state', 'user', 'username', 'created', 'activated', 'revoked_at', 'error'],
    channel: ['state', 'owner', 'user', 'database', 'syncpoint', 'error', 'channel', 'access', 'members', 'member_count', 'shows', 'groups', 'public', 'named_by', 'left', 'wipe', 'until'],
    group: ['state', 'access', 'members', 'member_count', 'shows', 'named', 'left', 'wipe', 'error'],
    subscription: ['channel', 'syncpoint', 'user', 'error'],
    invitation: ['state', 'from', 'to', 'channel', 'name', 'access', 'shows', 'expires', 'error'],
    member: ['state', 'channel', 'user', 'group', 'access', 'shows', 'wipe', 'error'],
    profile: ['state', 'named', 'error'],
    link: ['state', 'channel', 'code', 'access', 'uses', 'days', 'expires', 'error'],
    join: ['state', 'channel', 'code', 'error']
  };
  var longest = {type: 64, state: 64, name: 200, owner: 254, channel: 64, to: 254, access: 16, from: 254,
                 syncpoint: 2048, database: 238, user: 64, username: 80, code: 64, group: 64, named: 200, shows: 16};

  // What a person may make of a state of his own documents.
  var wishes = {
    channel: {ready: ['archive', 'delete'], archived: ['reopen', 'delete'], deleted: ['undelete']},
    invitation: {new: ['withdraw'], sent: ['withdraw'], received: ['accept', 'decline']},
    link: {new: ['close'], open: ['close']}
  };
  var begins = {
    channel: ['new'],
    group: ['new'],
    invitation: ['new'],
    member: ['change', 'remove', 'hand over', 'leave', 'show', 'publish', 'unpublish'],
    profile: ['new'],
    link: ['new'],
    join: ['new']
  };
  // Documents of the daemon's that a person may clear away.
  var ended = {
    channel: ['removed', 'error'],
    group: ['removed', 'error'],
    profile: ['error'],
    invitation: ['accepted', 'declined', 'withdrawn', 'expired', 'error'],
    link: ['used', 'closed', 'expired', 'error']
  };

  function refuse(reason) { throw {forbidden: reason}; }

  // A new document has no parent; an edit shows its parent's history (tried on CouchDB 3.5.0).
  function isOrdinary() {
    var history = newDoc._revisions;
    if (!history) return true;
    return !!oldDoc && history.start + '-' + history.ids[0] === oldDoc._rev;
  }

  // CouchDB takes any name for a replicated revision, and shows each leaf's in the feed. Its own have 32 characters, other servers' up to 64.
  function checkNames() {
    var ids = (newDoc._revisions || {ids: []}).ids;
    for (var i = 0; i < ids.length; i++) if (ids[i].length > 64) refuse('the name of a revision is at most 64 characters long');
  }

  // Every device of the user has this database, and the daemon reads it whole.
  function checkSize() {
    function isDeeper(value, levels) {
      if (value === null || typeof value !== 'object') return false;
      if (levels === 0) return true;
      for (var key in value) if (isDeeper(value[key], levels - 1)) return true;
      return false;
    }
    if (isDeeper(newDoc, 20)) refuse('a document here is at most 20 levels deep');
    if (JSON.stringify(newDoc).length > 65536) refuse('a document here is at most 64 kB large');
  }

  function checkForm() {
    for (var field in longest) {
      var value = newDoc[field];
      if (value === undefined) continue;
      if (typeof value !== 'string' || value.length > longest[field]) {
        refuse(field + ' must be a string of at most ' + longest[field] + ' characters');
      }
    }
    if (!newDoc.type || !newDoc.state) refuse('a document here needs "type" and "state"');
    if (newDoc._attachments) refuse('attachments belong into a channel: this database is on every device');
    if (newDoc.type === 'device' && !/^[0-9a-f]{64}$/.test(newDoc._id)) refuse('this is no device\'s id');
    if (newDoc.type === 'subscription' && newDoc.state !== 'error' &&
        ['active', 'paused', 'stopped'].indexOf(newDoc.state) === -1) {
      refuse('a subscription is "active", "paused" or "stopped"');
    }
  }

  function same(left, right) { return JSON.stringify(left) === JSON.stringify(right); }

  function checkMade() {
    if (newDoc.type === 'device') refuse('only the daemon makes device documents here');
    if (newDoc.type === 'doorbell') refuse('only the daemon rings the doorbell');
    var first = begins[newDoc.type];
    if (first && first.indexOf(newDoc.state) === -1) refuse('a new ' + newDoc.type + ' has the state "' + first.join('" or "') + '"');
  }

  // What failed may be mended and tried once more; a subscription has no `new`, its choice is made again.
  function isMended() {
    if (oldDoc.state !== 'error' || oldDoc.type === 'device') return false;
    if (oldDoc.type === 'subscription') return newDoc.state !== 'error';
    return (begins[oldDoc.type] || ['new']).indexOf(newDoc.state) !== -1;
  }

  function isWish() {
    if (oldDoc.type === 'device' && newDoc.state === 'revoke') return true;
    var choices = (wishes[oldDoc.type] || {})[oldDoc.state] || [];
    return choices.indexOf(newDoc.state) !== -1;
  }

  function checkEdited() {
    var fields = owned[oldDoc.type] || [];
    if (oldDoc.type === 'doorbell') refuse('only the daemon rings the doorbell');
    if (fields.length && newDoc.type !== oldDoc.type) refuse('the type of a ' + oldDoc.type + ' stays');
    for (var i = 0; i < fields.length; i++) {
      var field = fields[i];
      if (same(newDoc[field], oldDoc[field])) continue;
      if (field === 'state' && isWish()) continue;
      if (isMended()) continue;
      refuse('only the daemon changes "' + field + '" of a ' + oldDoc.type);
    }
  }

  if (newDoc._id.indexOf('_design/') === 0) refuse('only the daemon changes design documents');
  var ends = oldDoc && oldDoc.type === 'device' && (oldDoc.state === 'revoke' || oldDoc.state === 'revoked');
  checkNames();
  checkSize();  // of a deletion, too: the feed shows what it says
  if (newDoc._deleted) {
    var isOurs = oldDoc && ['device', 'channel', 'group', 'profile', 'invitation', 'link', 'doorbell'].indexOf(oldDoc.type) !== -1;
    if (isOurs && (ended[oldDoc.type] || []).indexOf(oldDoc.state) === -1) {
      refuse('a ' + oldDoc.type + ' is not deleted by a device');
    }
    return;
  }
  checkForm();
  if (ends && newDoc.state !== 'revoke' && newDoc.state !== 'revoked') refuse('a revocation stays');
  if (!isOrdinary()) return;
  if (oldDoc && !oldDoc._deleted) checkEdited();
  else checkMade();
}
