function (doc) {
  if (doc.type === 'channel' && doc.user) emit([doc.user, doc.name || ''], null);
}
