function (newDoc, oldDoc) {
  // An entry of the audit is written once, and neither changed nor deleted afterwards, by nobody: no roles are looked at. A
  // replicated first revision passes, so that a registry can be restored by replication; a branch beside an entry's first
  // revision can't be told from that here, but its id doesn't fit what it says, which `couchdb-channels audit` shows.
  if (newDoc._id.substr(0, 6) !== 'audit-') return;
  var history = newDoc._revisions;
  if (oldDoc || newDoc._deleted || (history && history.start > 1)) throw {forbidden: 'an entry of the audit stays as it is'};
}
