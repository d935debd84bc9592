#!/bin/sh
# Runs the test suites named as arguments, in the virtual machine. The working directory is the project, shared from the host.
set -eu
# Page faults of a program that lies in a shared directory go through the host: it starts ten times slower than one on the disk.
mkdir /opt/runt
cp -r build dist scripts package.json /opt/runt/
# The tests make system calls of their own.
mkdir /opt/runt/node_modules
cp -r node_modules/@koromix /opt/runt/node_modules/
cd /opt/runt
# A deadline only keeps a broken runtime from hanging the tests.
export CONFORMANCE_PATIENCE=25
# Nobody else is here: what needs SELinux in force may put it in force.
export CONFORMANCE_SETENFORCE=yes
exec node scripts/run-tests.mjs --tap "$@"
