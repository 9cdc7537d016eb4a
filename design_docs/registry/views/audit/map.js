function (doc) {
  // Entries by what they are about, and by who did it, in the order of time. Those that a record still holds, too: with
  // themselves as the value.
  var isEntry = doc.type === 'audit';
  if (!isEntry && !doc.audit) return;
  function emitEntry(entry) {
    function emitFor(kind, id) {
      if (id) emit([kind, id, entry.at, entry._id], isEntry ? null : entry);
    }
    emitFor('all', 'all');
    emitFor('user', entry.user);
    if (entry.by !== entry.user && entry.by !== 'mailbox' && entry.by !== 'operator' && entry.by !== 'daemon') emitFor('user', entry.by);
    emitFor('channel', entry.channel);
    emitFor('channel', entry.group);
    emitFor('device', entry.device);
  }
  if (isEntry) {
    emitEntry(doc);
    return;
  }
  for (var i = 0; i < doc.audit.length; i++) emitEntry(doc.audit[i]);
  if (doc.audit.length) emit(['held', doc.audit[0].at], null);
}
