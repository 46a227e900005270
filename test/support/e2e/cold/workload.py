"""What agents do to files, in /data/cold. Everything it needs it makes in the home: no network."""

import os
import sqlite3
import subprocess
import sys
import zipfile

home = os.path.expanduser('~')
cold = '/data/cold'
LARGE = int(sys.argv[1])


def run(*command, cwd=home):
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def git(*args, cwd):
    run('git', '-c', 'user.name=a', '-c', 'user.email=a@example.com', *args, cwd=cwd)


# A repository with history, and its clone.
source = f'{home}/source'
os.mkdir(source)
git('init', '--quiet', cwd=source)
for number in range(30):
    with open(f'{source}/file{number % 7}', 'a') as file:
        file.write(f'line {number}\n' * 20)
    git('add', '-A', cwd=source)
    git('commit', '--quiet', '-m', f'commit {number}', cwd=source)
git('clone', '--quiet', '--no-local', source, f'{cold}/clone', cwd=home)
git('fsck', '--strict', cwd=f'{cold}/clone')

# A virtual environment with 50 packages from a folder of wheels.
wheels = f'{home}/wheels'
os.mkdir(wheels)
for number in range(50):
    name = f'pack{number:02d}'
    with zipfile.ZipFile(f'{wheels}/{name}-1.0-py3-none-any.whl', 'w') as wheel:
        info = f'{name}-1.0.dist-info'
        files = {
            f'{name}/__init__.py': f'NUMBER = {number}\n',
            f'{name}/data.txt': f'{name}\n' * 100,
            f'{info}/METADATA': f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n',
            f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        }
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f'{info}/RECORD', ''.join(f'{path},,\n' for path in [*files, f'{info}/RECORD']))
# pip itself stays in the home: its own thousand files would be most of this test's time and nothing new.
run(sys.executable, '-m', 'venv', f'{home}/tools')
run(sys.executable, '-m', 'venv', '--without-pip', f'{cold}/venv')
pip = [f'{home}/tools/bin/pip', '--python', f'{cold}/venv/bin/python']
packages = [f'pack{number:02d}' for number in range(50)]
run(*pip, 'install', '--quiet', '--no-index', '--find-links', wheels, *packages)
program = 'import importlib; print(sum(importlib.import_module(f"pack{n:02d}").NUMBER for n in range(50)))'
total = subprocess.run([f'{cold}/venv/bin/python', '-c', program], check=True, capture_output=True, text=True).stdout
assert total == '1225\n', total

# A database with 10,000 rows.
database = sqlite3.connect(f'{cold}/rows.db')
database.execute('create table rows (number integer primary key, text text)')
for start in range(0, 10_000, 100):
    with database:
        database.executemany('insert into rows values (?, ?)', [(n, f'row {n}') for n in range(start, start + 100)])
assert database.execute('select count(*), sum(number) from rows').fetchone() == (10_000, 49_995_000)
assert database.execute('pragma integrity_check').fetchone() == ('ok',)
database.close()

# One log, two processes.
appending = f"""
import os, sys
log = os.open('{cold}/log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
for number in range(500):
    os.write(log, f'{{sys.argv[1]}} {{number:04d}}\\n'.encode())
"""
writers = [subprocess.Popen([sys.executable, '-c', appending, name]) for name in 'ab']
assert [writer.wait() for writer in writers] == [0, 0]
with open(f'{cold}/log') as file:
    lines = file.read().splitlines()
assert sorted(lines) == sorted(f'{name} {number:04d}' for name in 'ab' for number in range(500)), len(lines)

# A large file, written and read.
block = os.urandom(1 << 20)
with open(f'{cold}/large', 'wb') as file:
    for number in range(LARGE):
        file.write(number.to_bytes(8, 'big') + block[8:])
with open(f'{cold}/large', 'rb') as file:
    for number in range(LARGE):
        assert file.read(1 << 20) == number.to_bytes(8, 'big') + block[8:], number

# A tree that gets another name, in the midst of its uploads.
for folder in range(10):
    os.makedirs(f'{cold}/before/{folder}')
    for number in range(100):
        with open(f'{cold}/before/{folder}/{number}', 'w') as file:
            file.write(f'{folder} {number}\n')
os.rename(f'{cold}/before', f'{cold}/after')
assert sum(len(files) for _, _, files in os.walk(f'{cold}/after')) == 1000
assert not os.path.exists(f'{cold}/before')
