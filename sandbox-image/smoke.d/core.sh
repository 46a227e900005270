# shellcheck shell=bash disable=SC2154 # $scratch is of smoke-test
# What every image promises: the programs, the Python packages, and that they work for a user who is not root.

check 'the agent is uid 1000' test "$(id -u):$(id -g):$(id -un)" = 1000:1000:agent
# shellcheck disable=SC2016 # the inner shell expands
check '$HOME can be written to' bash -euc 'file=$(mktemp -p "$HOME" .smoke-test-XXXXXX); echo written >"$file"; rm "$file"'
# shellcheck disable=SC2016
check '/tmp can be written to' bash -euc 'file=$(mktemp -p /tmp); echo written >"$file"; rm "$file"'
check '/opt/sandbox cannot be written to' bash -c '! touch /opt/sandbox/bin/.smoke-test 2>/dev/null'
# An image that needs such a program (examples/sudo) lists it.
# shellcheck disable=SC2016
check 'nothing is setuid or setgid' bash -c 'listed=/opt/sandbox/setuid; [ -e $listed ] || listed=/dev/null
  ! find / -xdev -perm /6000 -type f -print 2>/dev/null | grep -vxFf $listed'
check 'nothing has capabilities' bash -c '! getcap -r / 2>/dev/null | grep .'
# shellcheck disable=SC2016
check 'a login shell keeps PATH' bash -euc '[[ $(bash -lc "echo \$PATH") == *"$PATH" ]]'

for program in bash git curl wget jq rg fd tree less file htop make gcc g++ patch rsync xz shellcheck python python3 pip \
  node npm npx aws; do
  check "$program" "$program" --version
done
check tini /usr/bin/tini --version
check tmux tmux -V
check vi vi --version
check ssh ssh -V
check ssh-keygen bash -euc "ssh-keygen -q -t ed25519 -N '' -f '$scratch/key'"
check zip zip -v
check unzip unzip -v
check pdftotext pdftotext -v
check pdftoppm pdftoppm -v
check dig dig -v
check ping ping -V
check ip ip -V
check ss ss --version
check netstat netstat --version
check ifconfig ifconfig -a
check nc bash -c 'command -v nc'
check ps ps --version
check killall killall --version
# The version that it speaks, to a client that speaks version 3 (draft-ietf-secsh-filexfer-02, 4).
check sftp-server python3 -c '
import subprocess
server = subprocess.Popen(["/usr/lib/openssh/sftp-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
server.stdin.write(bytes([0, 0, 0, 5, 1, 0, 0, 0, 3]))
server.stdin.flush()
assert server.stdout.read(9)[4:] == bytes([2, 0, 0, 0, 3])
server.kill()'

for module in httpx requests aiohttp pydantic rich click yaml toml dotenv bs4 lxml pandas numpy pytest; do
  check "python: $module" python3 -c "import $module"
done
check 'python: numbers' python3 -c 'import pandas, numpy; assert pandas.DataFrame({"a": numpy.arange(4)}).a.sum() == 6'
check 'python: a virtual environment' bash -euc "python3 -m venv '$scratch/venv'; '$scratch/venv/bin/pip' --version"
check 'pip installs for the user' bash -euc "
  mkdir -p '$scratch/package'
  printf '[project]\nname = \"smoke\"\nversion = \"1\"\n[tool.setuptools]\npy-modules = []\n' >'$scratch/package/pyproject.toml'
  PYTHONUSERBASE='$scratch/base' pip install --quiet --user --no-index --no-build-isolation '$scratch/package'
  PYTHONUSERBASE='$scratch/base' pip show smoke"
check 'node runs a program' node -e 'require("node:assert").equal([1, 2, 3].map((n) => n * 2).join(), "2,4,6")'
check 'npm makes a package' bash -euc "mkdir '$scratch/npm'; cd '$scratch/npm'; npm init --yes; test -f package.json"
check 'git commits' bash -euc "
  git init --quiet '$scratch/repository'
  cd '$scratch/repository'
  echo content >file
  git add file
  git -c user.name=smoke -c user.email=smoke@localhost commit --quiet --message=first
  test \"\$(git rev-list --count HEAD)\" = 1"
check 'gcc compiles' bash -euc "
  printf '#include <stdio.h>\nint main(void) { puts(\"compiled\"); }\n' >'$scratch/main.c'
  gcc -o '$scratch/main' '$scratch/main.c'
  test \"\$('$scratch/main')\" = compiled"
