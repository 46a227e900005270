"""Every file below /data/cold with its SHA-256 and every link with its target, as JSON."""

import hashlib
import json
import os

root = '/data/cold'
found = {}
for folder, folders, files in os.walk(root):
    for name in [*files, *folders]:
        path = os.path.join(folder, name)
        relative = os.path.relpath(path, root)
        if os.path.islink(path):
            found[relative + '.rclonelink'] = hashlib.sha256(os.readlink(path).encode()).hexdigest()
        elif os.path.isfile(path):
            with open(path, 'rb') as file:
                found[relative] = hashlib.file_digest(file, 'sha256').hexdigest()
print(json.dumps(found))
