#!/bin/sh
# install.sh PROGRAM MANAGER ROOT: lays out below ROOT what the package installs. PROGRAM is the built couchdb-channels,
# MANAGER the folder that packaging/os_daemons/Makefile leaves. Called by packaging/debian/rules; run from the source tree.
set -eu
program=$1
manager=$2
root=$3

file() {  # file MODE TARGET_FOLDER FILE...
  mode=$1
  folder=$root$2
  shift 2
  install -d "$folder"
  install -m "$mode" "$@" "$folder"
}

file 755 /usr/bin "$program"
file 644 /usr/share/man/man1 packaging/man/couchdb-channels.1
install -d "$root/usr/share/bash-completion/completions"
install -m 644 packaging/bash_completion/couchdb-channels "$root/usr/share/bash-completion/completions/couchdb-channels"

# What an app's own handlers begin with (docs/handlers.md).
file 644 /usr/share/couchdb-channels/handlers-python clients/handlers-python/couchdb_channels.py
file 644 /usr/share/couchdb-channels/handlers-node clients/handlers-node/package.json clients/handlers-node/README.md \
  clients/handlers-node/*.mjs clients/handlers-node/*.d.ts
# Called by `node create.mjs`, by an app's own Node: the package needs none.
sed -i '1{/^#!/d}' "$root/usr/share/couchdb-channels/handlers-node/create.mjs"
file 644 /usr/share/couchdb-channels/handlers-node/template clients/handlers-node/template/*

# What CouchDB reads. A key that stands in comments only is not set by it.
install -d "$root/opt/couchdb/etc/default.d"
install -m 644 couch_config/channels.ini "$root/opt/couchdb/etc/default.d/50-channels.ini"
file 644 /opt/couchdb/share/www/channels clients/confirm_page/confirm.html clients/confirm_page/confirm.css \
  clients/confirm_page/confirm.js clients/confirm_page/proof.js clients/confirm_page/sha256.js clients/confirm_page/texts.js

# The manager, and how CouchDB's service loads it.
for part in ebin src; do file 644 "/usr/lib/couchdb-channels/os_daemons/$part" "$manager/$part"/*; done
file 755 /usr/lib/couchdb-channels/os_daemons/priv "$manager/priv/run_daemon"
file 644 /usr/lib/couchdb-channels/os_daemons "$manager/start.eval"
file 644 /usr/lib/systemd/system/couchdb.service.d packaging/systemd/couchdb.service.d/50-channels.conf

# The operator's: conffiles.
file 644 /etc/couchdb-channels packaging/etc/mail.ini
file 644 /etc/couchdb-channels/service packaging/etc/service/channels.ini
for language in daemon/mail/templates/*/; do
  file 644 "/etc/couchdb-channels/templates/$(basename "$language")" "$language"*.txt "$language"*.html
done
