function (doc) {
  // Those whose copies are to be looked at once more.
  if ((doc.type === 'channel' || doc.type === 'group') && doc.members_changed) emit(doc.members_changed, null);
}
