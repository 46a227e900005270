# shellcheck shell=bash
# Files appear whole, under their name, or not at all: the process may end between any two lines.

# put FILE MODE <CONTENT: writes it if it differs.
put() {
  mkdir -p "${1%/*}"
  (umask 077 && cat >"$1.new")
  chmod "$2" "$1.new"
  if [[ -f $1 ]] && cmp -s "$1.new" "$1"; then
    rm -f "$1.new"
    return
  fi
  mv -fT "$1.new" "$1"
}

has_sha256() {
  [[ -f $1 ]] && [[ $(sha256sum <"$1") == "$2  -" ]]
}

# fetch ADDRESS FILE SHA256: what is there and right is not fetched again; what arrives is checked under another name.
fetch() {
  local address=$1 file=$2 sha256=$3 part=$2.part bucket
  if has_sha256 "$file" "$sha256"; then
    say "   ${file##*/} is there"
    return
  fi
  mkdir -p "${file%/*}"
  rm -f "$part"
  if [[ $address == s3://* ]]; then
    bucket=${address#s3://}
    run cloud s3api get-object --bucket "${bucket%%/*}" --key "${bucket#*/}" "$part"
  else
    run curl --fail --silent --show-error --location --connect-timeout 10 --max-time 600 --output "$part" "$address"
  fi
  if ! has_sha256 "$part" "$sha256"; then
    local actual
    actual=$(sha256sum <"$part")
    rm -f "$part"
    fail "$address has the SHA-256 ${actual%% *}, not $sha256: nothing of it was used" \
      'compare the checksum in the settings with the one that the release states; where they agree, the source was tampered with'
  fi
  sync "$part"
  mv -fT "$part" "$file"
  say "   ${file##*/} from $address"
}
