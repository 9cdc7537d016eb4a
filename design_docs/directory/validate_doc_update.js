function (newDoc, oldDoc, userCtx) {
  // Every device reads here, and the daemon alone writes.
  if (userCtx.roles.indexOf('_admin') !== -1) return;
  throw {forbidden: 'only the daemon lists public channels'};
}
