function (doc) {
  // Those of one who follows it no more may still show it.
  if (doc.type === 'follower') emit([doc.channel, doc.user], null);
}
