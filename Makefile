# Run `make help` to see what can be done.
GO      ?= go
FUZZTIME ?= 30s
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the daemon with the built-in configuration
	$(GO) run ./cmd/jianxun serve

.PHONY: build
build: ## Build bin/jianxun, static
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/jianxun ./cmd/jianxun

.PHONY: test
test: lint ## Lint, then every Go test with the race detector
	@internal/e2e/install.sh test
	CGO_ENABLED=0 $(GO) build ./...
	$(GO) run ./internal/pgtest/with $(GO) test $$(command -v gcc >/dev/null && echo -race) -timeout 15m ./...

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, a tidy go.mod
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt-clean: $$unformatted"; exit 1; fi
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) vet -tags interop,soak ./internal/e2e
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags interop,soak ./internal/e2e

.PHONY: interop
interop: ## Against other people's software: newsboat, feedparser, rss2email, sfeed, nginx, xmllint, Postfix, python3-dkim, python3's email, SpamAssassin, Chromium
	@internal/e2e/install.sh interop
	$(GO) test -tags interop -run Interop -timeout 8m -v ./internal/e2e

VALIDATOR ?= ../feedvalidator
SITE      ?= http://127.0.0.1:8080
.PHONY: validate
validate: ## The W3C validator in VALIDATOR over all feeds of SITE, which runs
	/usr/bin/python3 internal/e2e/validate.py $(VALIDATOR) $(SITE)

.PHONY: soak
soak: ## Sending killed, ended and misled at random moments, and several replicas over one PostgreSQL, at length; JIANXUN_SEED repeats a run
	@internal/e2e/install.sh test
	JIANXUN_SOAK=1 $(GO) test $$(command -v gcc >/dev/null && echo -race) -tags soak -run 'Replica|EachDueTime|RandomMoments|Dropped|WhileSending|ALease|PauseHolds' -count 1 -timeout 60m -v ./internal/e2e

.PHONY: bench
bench: ## Figures, each beside its peer or limit in the same run
	$(GO) test -run '^$$' -cpu 1 -bench . -benchtime 2s -timeout 60m ./internal/ingest ./internal/mail ./internal/store
	$(GO) test -run '^$$' -bench . -benchtime 2s ./internal/web
	$(GO) test -run '^$$' -bench . -benchtime 100x -timeout 60m ./internal/app
	@internal/e2e/install.sh interop
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./internal/e2e

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME (30s) each
	@set -e; \
	for file in $$(grep -rlE --include='*_test.go' '^func Fuzz' .); do \
	  for target in $$(grep -oE '^func Fuzz[A-Za-z0-9]+' $$file | cut -c6-); do \
	    echo "== $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$(dirname $$file); \
	  done; \
	done
