function (doc) {
  if (doc.type === 'device' && doc.state === 'confirming') emit([doc.address, doc.device_code], null);
}
