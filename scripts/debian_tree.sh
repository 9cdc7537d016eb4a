#!/bin/sh
# debian_tree.sh FOLDER: a clean Debian 12 in FOLDER for the tests of the package, made once, by debootstrap (root only;
# about a minute). Besides the minimum it has what the package depends on and what a CouchDB needs to run.
set -eu
tree=$1
[ ! -d "$tree" ] || exit 0
libraries=libboost-json1.81.0,libcurl4,libssl3,libncurses6,libicu72
rm -rf "$tree.part"
mkdir -p "$(dirname "$tree")"
debootstrap --variant=minbase --include="$libraries,man-db,bash-completion" bookworm "$tree.part"
rm -rf "$tree.part"/var/cache/apt/archives/*.deb
mv "$tree.part" "$tree"
