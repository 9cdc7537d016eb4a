function (doc) {
  if (doc.type !== 'channel') return;
  if (!doc.members) {
    if (doc.user) emit([doc.user, doc.name || ''], null);
    return;
  }
  for (var user in doc.members) {
    if (doc.members[user].access !== 'none') emit([user, doc.name || ''], null);
  }
}
