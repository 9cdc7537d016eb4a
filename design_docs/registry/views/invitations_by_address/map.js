function (doc) {
  // Those that somebody can still accept.
  if (doc.type === 'invitation' && doc.state === 'sent') emit(doc.address, doc.channel);
}
