#!/bin/sh
# Installs the Debian packages that `make interop` needs, where it may. What is
# missing afterwards is listed plainly; with CI=true that is an error.
set -u
packages="newsboat python3-feedparser libxml2-utils postfix chromium fonts-noto-cjk"
tools="newsboat xmllint smtp-sink chromium"

missing() {
	for tool in $tools; do
		PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null 2>&1 || echo "$tool"
	done
	/usr/bin/python3 -c 'import feedparser' 2>/dev/null || echo python3-feedparser
}

if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing: $packages"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq &&
		apt-get install -y -qq --no-install-recommends $packages >/tmp/jianxun-install.log 2>&1 ||
		tail -5 /tmp/jianxun-install.log
fi
lacking=$(missing | tr '\n' ' ')
[ -z "$lacking" ] && exit 0
echo "not installed, so what needs it cannot run: $lacking"
echo "on Debian, as root: apt-get install $packages"
[ "${CI:-}" = true ] && exit 1
exit 0
