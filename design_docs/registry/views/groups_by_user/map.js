function (doc) {
  // The access is what the roles of a device follow from.
  if (doc.type !== 'group') return;
  var members = doc.members || {};
  if (!doc.members) members[doc.user] = {access: 'owner'};
  for (var user in members) if (members[user].access !== 'none') emit(user, members[user].access);
}
