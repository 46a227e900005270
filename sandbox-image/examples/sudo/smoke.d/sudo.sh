# shellcheck shell=bash
# What the image `sudo` has on top of `core`.

check sudo sudo --version
