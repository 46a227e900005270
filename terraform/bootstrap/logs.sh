# shellcheck shell=bash
# Logs in CloudWatch, for the day on which no shell reaches the host, or there is no host any more: what the bootstrap and the
# backup say, the containers of the product, k3s and the kernel. Never a sandbox's: what people print is theirs.
#
# CloudWatch's agent ships files. What is in the journal alone, a timer writes into one, from where it came to the last time.

readonly AGENT_CONFIG=$HOST/cloudwatch-agent.json
readonly JOURNAL=(_SYSTEMD_UNIT=k3s.service UNIT={k3s,matrx-bootstrap,matrx-backup}.service _TRANSPORT=kernel)

rotate_logs() {
  put "$ROOT/etc/logrotate.d/matrx" 644 <<'END'
/var/log/matrx-*.log {
  monthly
  maxsize 100M
  rotate 3
  compress
  delaycompress
  missingok
  notifempty
}
END
}

ship_logs() {
  rotate_logs
  if [[ -z ${MATRX_LOG_GROUP:-} ]]; then
    say '   MATRX_LOG_GROUP is not set: they stay on this host'
    return
  fi
  command -v amazon-cloudwatch-agent-ctl >/dev/null || run dnf install --assumeyes amazon-cloudwatch-agent
  export_journal
  agent_config | put "$AGENT_CONFIG" 600
  # What the agent last started with, so that a run that ended before it was told is found out.
  local applied=$HOST/cloudwatch-agent.applied wanted
  wanted=$(sha256sum <"$AGENT_CONFIG")
  if [[ -f $applied && $(<"$applied") == "$wanted" ]]; then
    run systemctl start --no-block amazon-cloudwatch-agent
  else
    run amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -c "file:$AGENT_CONFIG" -s
    put "$applied" 600 <<<"$wanted"
  fi
  say "   to $MATRX_LOG_GROUP"
}

export_journal() {
  local alternatives
  printf -v alternatives ' + %s' "${JOURNAL[@]}"
  put "$ROOT/etc/systemd/system/matrx-journal.service" 644 <<END
[Unit]
Description=What the journal has of k3s and the kernel, as a file for CloudWatch

[Service]
Type=oneshot
StateDirectory=matrx-journal
StandardOutput=append:/var/log/matrx-journal.log
UMask=0077
ExecStart=/usr/bin/journalctl --quiet --no-pager --utc --output=short-iso-precise --cursor-file=/var/lib/matrx-journal/cursor ${alternatives# + }
END
  put "$ROOT/etc/systemd/system/matrx-journal.timer" 644 <<'END'
[Unit]
Description=What the journal has of k3s and the kernel, every half minute

[Timer]
OnActiveSec=0
OnUnitInactiveSec=30
AccuracySec=5

[Install]
WantedBy=timers.target
END
  run systemctl daemon-reload
  run systemctl enable --now matrx-journal.timer
}

# A stream for each file and host: a replaced one begins its own. Of /var/log/pods, because the links to it in
# /var/log/containers can dangle.
agent_config() {
  local separator='' name
  printf '{"agent":{"region":"%s","run_as_user":"root"},"logs":{"logs_collected":{"files":{"collect_list":[' "$MATRX_REGION"
  for name in matrx-bootstrap matrx-backup matrx-journal 'pods/matrx-system_*/*/*'; do
    printf '%s{"file_path":"/var/log/%s.log","log_group_name":"%s","log_stream_name":"{instance_id}/%s",' \
      "$separator" "$name" "$MATRX_LOG_GROUP" "${name%%/*}"
    # Without it, only the file that was written last of those that match.
    [[ $name != *'*'* ]] || printf '"publish_multi_logs":true,'
    # Of the line itself: it may come later than others.
    printf '"timestamp_format":"%%Y-%%m-%%dT%%H:%%M:%%S","timezone":"UTC"}'
    separator=,
  done
  printf ']}}}}\n'
}
