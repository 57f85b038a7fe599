#!/bin/sh
# build.sh go|java|node: makes that language's app, with its stock SDK, in .otelmart/sdks/<hash>/<language>, and prints
# that folder. Exits with 127 when the language's tools are not there.
set -eu

language=$1
here=$(cd "$(dirname "$0")" && pwd)
hash=$(cat "$0" "$here/$language"/* | sha256sum | cut -c1-16)
home=$(cd "$here/../../.." && pwd)/.otelmart/sdks/$hash/$language
agent=io.opentelemetry.javaagent:opentelemetry-javaagent:2.33.1

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "build.sh: the $language app is built with $tool: install it" >&2; exit 127; }
    done
}

build_go() {
    need go
    # The first proxy alone: with `direct` behind it, a module it lacks ends in an error about something else.
    GOPROXY=$(go env GOPROXY | sed 's/[,|].*//') go build -o app .
}

build_java() {
    need java javac jar mvn
    mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        -Dartifact=$agent -DoutputDirectory=. -Dmdep.stripVersion=true
    javac App.java
    jar --create --file app.jar --main-class App App*.class
}

build_node() {
    need node npm
    npm ci --ignore-scripts --no-audit --no-fund --silent
}

if [ ! -d "$home" ]; then
    mkdir -p "$(dirname "$home")"
    work=$(mktemp -d "$home.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cp -R "$here/$language/." "$work"
    (cd "$work" && "build_$language") >&2
    mv "$work" "$home"
fi
echo "$home"
