# shellcheck shell=bash
# Every tool that agents call, through the one function that they call them by.

if [[ -d /opt/sandbox/sdk ]]; then
  check_all 'the tools' python3 /opt/sandbox/smoke.d/tools.py
fi
