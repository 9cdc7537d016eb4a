function (doc) {
  if (doc.type === 'failure') emit([doc.database, doc.last_time], {id: doc.id, rule: doc.rule, reason: doc.reason});
}
