"""Runs the W3C feed validator over a site that is being served.

usage: validate.py VALIDATOR SITE [PATH ...]

VALIDATOR is a copy of github.com/w3c/feedvalidator, SITE an address such as
http://127.0.0.1:8080. Without a PATH every feed of SITE/feeds.opml is taken, as
RSS and Atom, and each archive that they lead back to. Prints what the validator
says and exits with 1 if that is anything.
"""
import re
import sys
import urllib.request

sys.path.insert(0, sys.argv[1] + "/src")
import feedvalidator  # noqa: E402
from feedvalidator import logging  # noqa: E402

site, paths = sys.argv[2], sys.argv[3:]


def read(address):
    return urllib.request.urlopen(address, timeout=60).read().decode()


todo = [site + p for p in paths]
if not paths:
    todo = [site + "/feeds.opml"]
    for address in re.findall(r'xmlUrl="([^"]+)"', read(todo[0])):
        todo += [address, address.removesuffix("atom") + "rss"]
seen, said = set(), 0
while todo:
    address = todo.pop(0)
    if address in seen:
        continue
    seen.add(address)
    events = feedvalidator.validateURL(address, firstOccurrenceOnly=1)["loggedEvents"]
    for e in events:
        if isinstance(e, (logging.Error, logging.Warning, logging.Info)) and not isinstance(e, logging.Success):
            said += 1
            print(address, type(e).__name__, e.params)
    for link in re.findall(r"<(?:atom:)?link [^>]*prev-archive[^>]*>", read(address)):
        todo.append(re.search(r'href="([^"]+)"', link).group(1))
print(f"{len(seen)} documents, {said} objections")
sys.exit(said > 0)
