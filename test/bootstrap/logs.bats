# What of a host is in CloudWatch.
load support

config() {
  python3 -c "import json; config = json.load(open('$ROOT/etc/matrx-host/cloudwatch-agent.json')); print($1)"
}

readonly FILES="config['logs']['logs_collected']['files']['collect_list']"

@test "the logs of bootstrap, backup, k3s and the product are shipped to the log group, a stream for each file and host" {
  succeeds bootstrap
  [[ $(calls "amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -c file:$ROOT/etc/matrx-host/cloudwatch-agent.json -s") -eq 1 ]]
  [[ $(config "config['agent']") == "{'region': 'eu-central-1', 'run_as_user': 'root'}" ]]
  [[ $(config "[file['file_path'] for file in $FILES]") == \
    "['/var/log/matrx-bootstrap.log', '/var/log/matrx-backup.log', '/var/log/matrx-journal.log', '/var/log/pods/matrx-system_*/*/*.log']" ]]
  [[ $(config "{file['log_group_name'] for file in $FILES}") == "{'/matrx/sandbox/matrx-sandbox-dev'}" ]]
  [[ $(config "[file['log_stream_name'] for file in $FILES]") == \
    "['{instance_id}/matrx-bootstrap', '{instance_id}/matrx-backup', '{instance_id}/matrx-journal', '{instance_id}/pods']" ]]
  # Of several files that one pattern matches, the agent otherwise follows one.
  [[ $(config "[file['file_path'] for file in $FILES if ('*' in file['file_path']) != file.get('publish_multi_logs', False)]") == '[]' ]]
  [[ $(config "{file['timestamp_format'] for file in $FILES}") == "{'%Y-%m-%dT%H:%M:%S'}" ]]
}

@test "nothing of a sandbox is shipped: of the pods, those of the product's namespace alone" {
  succeeds bootstrap
  [[ $(grep -o '/var/log/pods[^"]*' "$ROOT/etc/matrx-host/cloudwatch-agent.json") == '/var/log/pods/matrx-system_*/*/*.log' ]]
  [[ $(grep -c -e audit -e sandboxes_ "$ROOT/etc/matrx-host/cloudwatch-agent.json") -eq 0 ]]
}

@test "of the journal, k3s and the kernel become a file, from where it came to the last time" {
  succeeds bootstrap
  local unit=$ROOT/etc/systemd/system/matrx-journal.service
  grep -qx 'StandardOutput=append:/var/log/matrx-journal.log' "$unit"
  grep -qx 'StateDirectory=matrx-journal' "$unit"
  grep -q '^ExecStart=/usr/bin/journalctl .*--cursor-file=/var/lib/matrx-journal/cursor _SYSTEMD_UNIT=k3s.service + UNIT=k3s.service + UNIT=matrx-bootstrap.service + UNIT=matrx-backup.service + _TRANSPORT=kernel$' "$unit"
  [[ $(calls 'systemctl enable --now matrx-journal.timer') -eq 1 ]]
}

@test "the agent is told once, and again when something is different or an earlier run did not get as far" {
  succeeds bootstrap
  succeeds bootstrap
  [[ $(calls amazon-cloudwatch-agent-ctl) -eq 1 && $(calls 'systemctl start --no-block amazon-cloudwatch-agent') -eq 1 ]]
  given MATRX_LOG_GROUP /elsewhere
  touch "$FAKE/agent-fails"
  fails bootstrap
  says "step 'logs'" 'the config json is not valid' "look whether the host's role may write to the log group"
  rm "$FAKE/agent-fails"
  succeeds bootstrap
  [[ $(calls amazon-cloudwatch-agent-ctl) -eq 3 ]]
  [[ $(config "{file['log_group_name'] for file in $FILES}") == "{'/elsewhere'}" ]]
}

@test "an agent that is missing is installed by the distribution's package" {
  local without=$BATS_TEST_TMPDIR/without
  cp -r "$BATS_TEST_DIRNAME/fakes" "$without"
  mv "$without/amazon-cloudwatch-agent-ctl" "$BATS_TEST_TMPDIR/packaged"
  cat >"$without/dnf" <<END
#!/bin/sh
echo "dnf \$*" >>"$FAKE/calls"
cp "$BATS_TEST_TMPDIR/packaged" "$without/amazon-cloudwatch-agent-ctl"
END
  chmod +x "$without/dnf"
  PATH=$without:${PATH#*:} succeeds bootstrap
  [[ $(calls 'dnf install --assumeyes amazon-cloudwatch-agent$') -eq 1 && $(calls amazon-cloudwatch-agent-ctl) -eq 1 ]]
}

@test "without a log group nothing leaves the host, and its logs are rotated all the same" {
  given MATRX_LOG_GROUP ''
  succeeds bootstrap
  [[ $output == *'MATRX_LOG_GROUP is not set'* ]]
  [[ $(calls amazon-cloudwatch) -eq 0 && ! -e $ROOT/etc/matrx-host/cloudwatch-agent.json ]]
  grep -q '/var/log/matrx-\*.log' "$ROOT/etc/logrotate.d/matrx"
}
