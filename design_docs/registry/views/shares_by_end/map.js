function (doc) {
  // Invitations and links, by the time from which nobody comes in by them any more.
  if ((doc.type === 'invitation' || doc.type === 'link') && doc.expires) emit(doc.expires, null);
}
