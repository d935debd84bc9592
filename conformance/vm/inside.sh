#!/bin/sh
# Runs the test suites named as arguments, in the virtual machine. The working directory is the project, shared from the host.
set -eu
# Page faults of a program that lies in a shared directory go through the host: it starts ten times slower than one on the disk.
case "$(uname -m)" in
  aarch64) arch=arm64 ;;
  *) arch=x64 ;;
esac
# What "scripts/build.sh --arch" has made, where this is another processor than the host's.
dist=dist modules=node_modules
if [ -d "dist-$arch" ]; then dist=dist-$arch modules=node_modules/.cache/$arch/node_modules; fi
mkdir /opt/runt
cp -r bin build docs schemas scripts package.json /opt/runt/
cp -r "$dist" /opt/runt/dist
# The tests make system calls of their own; the unit tests import the others.
mkdir /opt/runt/node_modules
cp -r "$modules/@koromix" node_modules/jsonc-parser node_modules/fast-check node_modules/pure-rand /opt/runt/node_modules/
cd /opt/runt
# A deadline only keeps a broken runtime from hanging the tests.
export CONFORMANCE_PATIENCE=25
# Nobody else is here: what needs SELinux in force may put it in force.
export CONFORMANCE_SETENFORCE=yes
exec node scripts/run-tests.mjs --tap "$@"
