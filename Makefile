# Aftercare. `make demo` is the whole set-up on a fresh machine; `make` lists the rest.

GOFUMPT      := mvdan.cc/gofumpt@v0.12.0
STATICCHECK  := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK  := golang.org/x/vuln/cmd/govulncheck@v1.9.0
GOLANGCI     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# A tree without tags, commits or git still builds.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The version is stamped above, so Go need not ask git: it refuses a clone of another user's.
BUILD = go build -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.PHONY: help demo build test test-race bench torment lint lint-full vuln clean go postgres office

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: postgres build ## install what is needed and run the demo county (AT=2026-11-24T09:00 sets its clock, ARGS adds flags)
	@exec bin/aftercare demo $(if $(AT),--at $(AT)) $(ARGS)

build: go ## build bin/aftercare
	@$(BUILD) -o bin/aftercare ./cmd/aftercare

test: go postgres office ## install what is needed and run every test
	go test -timeout 20m ./...

test-race: go postgres ## every test under the race detector (needs a C compiler)
	go test -race -timeout 30m ./...

bench: go postgres ## every benchmark
	go test -run '^$$' -bench . -benchmem ./...

torment: go postgres ## kill -9 the senders of 5,000 texts again and again (TEXTS and SEED choose another ordeal)
	AFTERCARE_TORMENT_TEXTS=$(or $(TEXTS),5000) AFTERCARE_TORMENT_SEED=$(or $(SEED),$$(date +%s)) \
		go test -count=1 -timeout 20m -v -run '^TestTorment$$' ./jobs

lint: go ## format, vet, staticcheck and the rules of the house
	@changed=$$(go run $(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$changed" ]; then echo "not formatted (go run $(GOFUMPT) -w FILE):"; echo "$$changed"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	go test -count=1 ./internal/house

lint-full: go ## the slow linters of .golangci.yml (ten minutes to build the first time)
	go run $(GOLANGCI) run ./...

vuln: go ## known vulnerabilities in what is linked, where the database of govulncheck is in reach
	@said=$$(go run $(GOVULNCHECK) ./... 2>&1); status=$$?; echo "$$said"; case "$$said" in \
	*"fetching vulnerabilities"*) echo "NOT CHECKED: the database of govulncheck (https://vuln.go.dev) is out of reach" >&2; exit 0 ;; esac; exit $$status

clean: ## remove what was built
	rm -rf bin

go:
	@found=$$(go env GOVERSION 2>&1); case "$$found" in \
	go1.2[6-9]*|go1.[3-9][0-9]*|devel*) ;; \
	*) echo "Aftercare needs Go 1.26 or newer (https://go.dev/dl/); found: $$found" >&2; exit 1 ;; esac

postgres:
	@sh deploy/ensure-postgres.sh

# LibreOffice opens what is exported, in a test. Where it cannot be had that is said and not tested.
office:
	@command -v soffice >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libreoffice-calc-nogui >/dev/null 2>&1; } || \
		echo "NOT CHECKED: LibreOffice is not here and cannot be installed (Debian: libreoffice-calc-nogui)" >&2
