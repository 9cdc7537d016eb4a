#!/bin/sh
# dependencies.sh build|erlang|package|test|doc|lint|node...: sees to the Debian packages that building, or testing and the demo, need.
# What is missing is installed by apt-get, as root or by sudo; an ordinary user whose packages
# are there needs neither.
set -eu

build="g++ cmake make libboost1.81-dev libboost-json1.81-dev libcurl4-openssl-dev libssl-dev libcli11-dev libkainjow-mustache-dev"
# The manager of os_daemons is compiled by any Erlang; jiffy stands in for the one that comes with CouchDB.
erlang="erlang-base make"
erlang_test="erlang-dev erlang-eunit erlang-crypto erlang-jiffy"
package="debhelper dpkg-dev lintian"
# The package is tested in a Debian of its own, its service by systemd-analyze.
package_test="debootstrap man-db bash-completion systemd"
# A proxy as operators have it, and a clock that is off.
doctor_test="nginx-light faketime openssl"
lint="clang-tidy-16"
test="libgtest-dev libgmock-dev duktape-dev chromium python3"
doc="doxygen"

wanted=
for part in "$@"; do
  case $part in
    build) wanted="$wanted $build" ;;
    doc) wanted="$wanted $doc" ;;
    lint) wanted="$wanted $lint" ;;
    erlang) wanted="$wanted $erlang" ;;
    package) wanted="$wanted $build $erlang $package" ;;
    test) wanted="$wanted $test $doc $erlang $erlang_test $package $package_test $doctor_test" ;;
    node)
      # Any Node of version 18 or later will do, Debian's own is one.
      if ! node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null; then wanted="$wanted nodejs"; fi
      if ! command -v npm >/dev/null 2>&1; then wanted="$wanted npm"; fi ;;
    *) echo "usage: $0 build|erlang|package|test|doc|lint|node..." >&2; exit 2 ;;
  esac
done

missing=
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=none
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "These packages are missing; as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi
echo "installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
