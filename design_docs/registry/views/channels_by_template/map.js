function (doc) {
  // What each channel has of template_db, or what failed in it: a rollout asks for all others.
  if (doc.type !== 'channel' || doc.state !== 'ready') return;
  var failed = doc.template_failed;
  emit(failed ? failed.version + '!' + failed.attempt : doc.template || '', null);
}
