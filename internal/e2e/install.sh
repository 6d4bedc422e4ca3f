#!/bin/sh
# Installs the Debian packages that `make test` or `make interop` needs, where it
# may. What is missing afterwards is listed plainly; with CI=true that is an error.
# Usage: install.sh test|interop
set -u
case "${1:-}" in
test)
	packages="gcc libc6-dev postgresql"
	tools="gcc postgresql"
	without="the race detector and the store on PostgreSQL"
	;;
interop)
	packages="newsboat python3-feedparser python3-dkim python3-nacl rss2email sfeed curl nginx-light libnginx-mod-http-brotli-static libxml2-utils postfix spamassassin chromium fonts-noto-cjk"
	tools="newsboat feedparser dkim r2e sfeed curl nginx brotli xmllint root postconf smtp-sink spamassassin chromium"
	without="what needs them"
	;;
*)
	echo "usage: $0 test|interop" >&2
	exit 2
	;;
esac

missing() {
	for tool in $tools; do
		if [ "$tool" = feedparser ]; then
			/usr/bin/python3 -c 'import feedparser' 2>/dev/null || echo python3-feedparser
		elif [ "$tool" = dkim ]; then
			/usr/bin/python3 -c 'import dkim, nacl' 2>/dev/null || echo python3-dkim python3-nacl
		elif [ "$tool" = root ]; then
			[ "$(id -u)" = 0 ] || echo "root, who alone may start a Postfix"
		elif [ "$tool" = postgresql ]; then
			PATH="$PATH$(printf ':%s' /usr/lib/postgresql/*/bin)" command -v initdb >/dev/null 2>&1 || echo postgresql
		elif [ "$tool" = brotli ]; then
			[ -e /usr/lib/nginx/modules/ngx_http_brotli_static_module.so ] || echo libnginx-mod-http-brotli-static
		else
			PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null 2>&1 || echo "$tool"
		fi
	done
}

if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing: $packages"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	# While this file is there the package starts no cluster on port 5432: tests
	# start their own.
	clusters=/etc/postgresql-common/createcluster.d
	mkdir -p "$clusters" && echo "create_main_cluster = false" >"$clusters/jianxun.conf"
	# shellcheck disable=SC2086 # the names are words
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >"$log" 2>&1 || tail -5 "$log"
	rm -f "$log" "$clusters/jianxun.conf"
	rmdir "$clusters" "${clusters%/*}" 2>/dev/null # as it was, if we made it
fi
lacking=$(missing | tr '\n' ' ')
[ -z "$lacking" ] && exit 0
echo "missing: $lacking- so $without cannot run"
echo "on Debian, as root: apt-get install $packages"
[ "${CI:-}" = true ] && exit 1
exit 0
