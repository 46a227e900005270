#!/bin/bash
# Stands for mount-s3, which cannot be had everywhere: takes the command line as it is documented and refuses whatever is
# not, asks for credentials as its AWS client would, mounts memory in place of the bucket, and ends with its mount.
# https://github.com/awslabs/mountpoint-s3/blob/main/doc/CONFIGURATION.md
set -eu
target=$2
shift 2
foreground=
for option; do
  case $option in
    --foreground) foreground=yes ;;
    --prefix=*/ | --allow-other | --allow-delete | --allow-overwrite | --force-path-style) ;;
    --uid=[0-9]* | --gid=[0-9]* | --file-mode=0[0-7]* | --dir-mode=0[0-7]* | --max-cache-size=[0-9]*) ;;
    --region=* | --endpoint-url=http*) ;;
    --cache=*) [ -d "${option#*=}" ] || { echo "error: cache directory ${option#*=} is not there"; exit 1; } ;;
    *) echo "error: unexpected argument '$option' found"; exit 2 ;;
  esac
done
[ -n "$foreground" ] || { echo 'this stand-in has no background'; exit 2; }
command=$(sed -n 's/^credential_process = //p' "$AWS_CONFIG_FILE")
case $(sh -c "$command") in
  *'"AccessKeyId":"refused"'*) echo 'Error: Failed to create S3 client: AccessDenied'; exit 1 ;;
  *'"AccessKeyId":"'*) ;;
  *) echo 'Error: No credentials'; exit 1 ;;
esac
mount -t tmpfs mountpoint-s3 "$target"
trap 'umount "$target"; exit 0' TERM
while grep -q " $target " /proc/self/mountinfo; do sleep 0.05; done
