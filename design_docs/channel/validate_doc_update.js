function (newDoc, oldDoc, userCtx, secObj) {
  // Members write what they like, but for three things: to an archived channel nobody writes, who only reads writes nothing,
  // and the `description` is the owners'. `_security.channels` says which it is, and names both by role.
  if (userCtx.roles.indexOf('_admin') !== -1) return;

  // On a device's own CouchDB a database admin brings what the cloud let through already; there is none in the cloud.
  var admins = (secObj && secObj.admins && secObj.admins.roles) || [];
  for (var r = 0; r < userCtx.roles.length; r++) if (admins.indexOf(userCtx.roles[r]) !== -1) return;

  function hasRoleIn(roles) {
    for (var i = 0; i < userCtx.roles.length; i++) {
      if (roles && roles.indexOf(userCtx.roles[i]) !== -1) return true;
    }
    return false;
  }

  var channel = (secObj && secObj.channels) || {};
  if (channel.archived) throw {forbidden: 'this channel is archived: nobody writes to it until an owner reopens it'};
  if (hasRoleIn(channel.owners)) {
    if (newDoc._id === 'description' && newDoc._deleted) throw {forbidden: 'a channel keeps its description'};
    return;
  }
  // Who is in the channel by himself and through groups has the most that any of them may do.
  function mayWrite() {
    var members = (secObj && secObj.members && secObj.members.roles) || [];
    var readers = channel.readers || [];
    for (var i = 0; i < userCtx.roles.length; i++) {
      var role = userCtx.roles[i];
      if (members.indexOf(role) !== -1 && readers.indexOf(role) === -1) return true;
    }
    return !hasRoleIn(readers);
  }

  if (!mayWrite()) throw {forbidden: 'you may read this channel, not write to it'};
  if (newDoc._id === 'description') throw {forbidden: 'only an owner of the channel changes its description'};
}
