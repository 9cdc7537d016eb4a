#!/bin/sh
# build_deb.sh [FOLDER]: the Debian packages, left as FOLDER/couchdb-channels_VERSION_ARCH.deb and FOLDER/couchdb-channels-dev_... (default build). Works in
# FOLDER/deb: a copy of the source tree as it is now (uncommitted changes, too), with packaging/debian as its debian/.
# Objects are kept. CHANNELS_PROGRAM in the environment is packed in place of one compiled here.
set -eu
mkdir -p "${1:-$(dirname "$0")/../build}"
folder=$(cd "${1:-$(dirname "$0")/../build}" && pwd)
cd "$(dirname "$0")/.."
version=$(sed -n 's/^couchdb-channels (\(.*\)).*/\1/p' packaging/debian/changelog | head -n 1)
work=$folder/deb
source=$work/couchdb-channels-$version

rm -rf "$source"
mkdir -p "$source"
tar -c --exclude=./build --exclude='./build-*' --exclude=node_modules --exclude=./.git . | tar -x -C "$source"
cp -R packaging/debian "$source/debian"
rm -f "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo
(cd "$source" && DEB_BUILD_OPTIONS="noautodbgsym parallel=${JOBS:-$(nproc)}" dpkg-buildpackage --build=binary --no-sign --no-pre-clean)
rm -f "$folder"/couchdb-channels_*.deb "$folder"/couchdb-channels-dev_*.deb
mv "$work"/couchdb-channels_*.deb "$work"/couchdb-channels-dev_*.deb "$folder/"
ls "$folder"/couchdb-channels_*.deb "$folder"/couchdb-channels-dev_*.deb
