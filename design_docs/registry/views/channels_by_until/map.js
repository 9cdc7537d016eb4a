function (doc) {
  // Deleted ones, by the time from which on they go for good.
  if (doc.type === 'channel' && (doc.state === 'deleted' || doc.state === 'removing')) emit(doc.until || '', null);
}
