#!/usr/bin/env bash
# Builds the programs of a Kubernetes control plane, and kwok, which plays its nodes and pods, from
# their Go modules into the folder $1. Where they are there already, it does nothing.
set -euo pipefail
bin=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
about=k8s.io/component-base/version
flags="-s -w -X $about.gitVersion=$version -X $about.gitMajor=$major -X $about.gitMinor=$minor -X $about.gitTreeState=clean"
programs=(kube-apiserver kube-controller-manager kube-scheduler)

if ! [ -x "$bin/kwok" ]; then GOBIN="$bin" go install -trimpath -ldflags '-s -w' sigs.k8s.io/kwok/cmd/kwok@v0.7.0; fi
for program in "${programs[@]}"; do
  [ -x "$bin/$program" ] || go build -trimpath -ldflags "$flags" -o "$bin/" "k8s.io/kubernetes/cmd/$program"
done
