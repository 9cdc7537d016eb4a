function (doc) {
  // Addresses that nobody has confirmed yet, by the time of the last mail about one of their devices.
  if (doc.type !== 'address' || doc.user) return;
  var last = '', mails = (doc.mails || []).concat(doc.collective || []);
  for (var i = 0; i < mails.length; i++) if (mails[i].at > last) last = mails[i].at;
  emit(last, doc.key || null);
}
