#!/usr/bin/env python3
"""Recovers a workspace without matrx. Needs nothing but this file and a copy of what is in the bucket:

    aws s3 cp --recursive s3://BUCKET/users/ann/ ann/
    python3 recover.py ann/ recovered/                               # what HEAD says
    python3 recover.py ann/ recovered/ .ws/manifests/<one of them>   # an older commit, or a conflict

A manifest is compressed JSON: one entry a line, each with its place in a pack (an ordinary tar file) or its list of
blobs. Every byte is compared with its SHA-256 before it counts.
"""
import base64, gzip, hashlib, json, os, sys


def raw(name):
    return name.encode() if isinstance(name, str) else base64.b64decode(name["base64"])


def checked(data, sha256, what):
    if hashlib.sha256(data).hexdigest() != sha256:
        sys.exit(f"{what} is damaged")
    return data


def read(path, start=0, length=-1):
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(length)


def pieces(source, entry):
    place, offset = entry.get("location", {}), 0
    if "pack" in place:
        pack = os.path.join(source, ".ws/packs", place["pack"] + ".tar")
        yield 0, checked(read(pack, place["offset"], place["length"]), entry["sha256"], entry["path"])
    for blob in place.get("blobs", []):
        if isinstance(blob, int):  # so many times eight mebibytes of zeros, left as a hole
            offset += blob * (8 << 20)
            continue
        yield offset, checked(read(os.path.join(source, ".ws/blobs", blob)), blob, blob)
        offset += 8 << 20


def write(path, source, entry):
    with open(path, "xb") as file:
        for offset, data in pieces(source, entry):
            file.seek(offset)
            file.write(data)
        file.truncate(entry["size"])


def main(source, target, manifest=None):
    head = json.loads(read(os.path.join(source, ".ws/HEAD")))
    body = read(os.path.join(source, manifest or head["manifest"]))
    if manifest is None:
        checked(body, head["manifestSha256"], "the manifest")
    entries = json.loads(gzip.decompress(body))["entries"]
    first = {}
    os.makedirs(target, exist_ok=True)
    for entry in entries:
        path = os.path.join(os.fsencode(target), raw(entry["path"]))
        if entry["type"] == "directory":
            os.makedirs(path, exist_ok=True)
        elif entry.get("link") in first:
            os.link(first[entry["link"]], path, follow_symlinks=False)
            continue
        elif entry["type"] == "symlink":
            os.symlink(raw(entry["target"]), path)
        else:
            write(path, source, entry)
        if "link" in entry:
            first[entry["link"]] = path
    for entry in reversed(entries):  # modes and times last, the deepest first
        path, when = os.path.join(os.fsencode(target), raw(entry["path"])), int(entry["mtimeNs"])
        if entry["type"] != "symlink":
            os.chmod(path, int(entry["mode"], 8))
        os.utime(path, ns=(when, when), follow_symlinks=False)
    print(f"{len(entries)} entries recovered")


main(*sys.argv[1:])
