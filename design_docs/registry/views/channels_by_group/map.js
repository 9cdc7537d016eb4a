function (doc) {
  // Also of groups that have the channel no more: their members are told so.
  if (doc.type !== 'channel' || !doc.groups) return;
  for (var group in doc.groups) emit(group, null);
}
