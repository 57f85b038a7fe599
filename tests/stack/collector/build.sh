#!/bin/sh
# Builds the collector of builder.yaml, and telemetrygen of the same version, from Go modules into
# .otelmart/collector/<hash of the manifest>/, and prints that folder. Minutes the first time, nothing after that.
# Exits with 127 when there is no go; without telemetrygen it goes on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
manifest=$here/builder.yaml
home=$(cd "$here/../../.." && pwd)/.otelmart/collector/$(sha256sum "$manifest" | cut -c1-16)
contrib=github.com/open-telemetry/opentelemetry-collector-contrib
version=$(sed -n 's/^  version: //p' "$manifest")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "build.sh: $*" >&2; }

main() {
    mkdir -p "$home"
    [ -x "$home/otelcol" ] || collector
    [ -x "$home/telemetrygen" ] || telemetrygen
    echo "$home"
}

collector() {
    need_go
    say "building otelcol $version, some minutes"
    # Sources only: the builder's own `go mod tidy` asks for modules that nothing but tests of dependencies need.
    (cd "$work" && go run "go.opentelemetry.io/collector/cmd/builder@v$version" --config "$manifest" \
        --skip-get-modules --skip-compilation) >"$work/builder.log" 2>&1 || { cat "$work/builder.log" >&2; exit 1; }
    require "$work/source" "$(sed -n 's/^  - gomod: //p' "$manifest")
go.opentelemetry.io/collector/otelcol v$version"
    compile "$work/source" . otelcol
}

telemetrygen() {
    need_go
    say "building telemetrygen $version"
    mkdir "$work/telemetrygen"
    require "$work/telemetrygen" "$contrib/cmd/telemetrygen v$version"
    compile "$work/telemetrygen" "$contrib/cmd/telemetrygen" telemetrygen || say "no telemetrygen: the tests go without"
}

need_go() {
    command -v go >/dev/null || { say "the collector is built from Go modules: install go 1.25 or newer"; exit 127; }
    # The first proxy alone: with `direct` behind it, a module it lacks ends in an error about something else.
    GOPROXY=$(go env GOPROXY | sed 's/[,|].*//')
    export GOPROXY
}

require() { # FOLDER MODULES: a go.mod of these, one `path version` a line
    printf 'module otelmart/build\n\ngo 1.25\n\nrequire (\n%s\n)\n' "$2" >"$1/go.mod"
}

compile() { # FOLDER PACKAGE NAME: a binary has its name only when it is whole
    (cd "$1" && go build -p 2 -mod=mod -trimpath -ldflags="-s -w" -o "$home/$3.part" "$2") || return 1
    mv "$home/$3.part" "$home/$3"
}

main
