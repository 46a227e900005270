"""Renames folders and files while they are uploaded, looks at them at once and later, and writes to them again."""

import os
import sys
import time

cold = '/data/cold'
ROUNDS = int(sys.argv[1])
# A closed file waits this long for its upload: some rounds move before it begins, some in its midst, some after it.
WRITE_BACK = 5.0
paths = [(folder, number) for folder in range(4) for number in range(100)]


def write(path, text, mode='w'):
    with open(path, mode) as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def check_tree(top, texts):
    found = {(int(os.path.basename(at)), int(name)) for at, _, names in os.walk(top) for name in names}
    assert found == set(texts), (top, sorted(set(texts) ^ found)[:5])
    for folder, number in paths[::37]:
        assert read(f'{top}/{folder}/{number}') == texts[folder, number], (top, folder, number)


for round in range(ROUNDS):
    base = f'{cold}/round{round}'
    texts = {(folder, number): f'{round} {folder} {number}\n' for folder, number in paths}
    for folder in range(4):
        os.makedirs(f'{base}/old/{folder}')
    for (folder, number), text in texts.items():
        write(f'{base}/old/{folder}/{number}', text)
    time.sleep(WRITE_BACK - 0.8 + round * 0.6)
    os.rename(f'{base}/old', f'{base}/new')
    check_tree(f'{base}/new', texts)
    for folder, number in paths[::37]:
        texts[folder, number] += 'more\n'
        write(f'{base}/new/{folder}/{number}', 'more\n', 'a')
    for _ in range(3):
        check_tree(f'{base}/new', texts)
        time.sleep(0.5)

    # A file takes the place of another one that is being uploaded.
    for number in range(20):
        write(f'{base}/target{number}', 'old')
    time.sleep(WRITE_BACK - 0.1)
    for number in range(20):
        write(f'{base}/draft{number}', 'new')
        os.rename(f'{base}/draft{number}', f'{base}/target{number}')
    assert {read(f'{base}/target{number}') for number in range(20)} == {'new'}
