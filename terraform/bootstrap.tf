# What the host is told. Settings are a parameter of Systems Manager, so that a change of them neither stops nor replaces
# the host: docs/host.md. The scripts are the first boot's user data.
locals {
  bootstrap = "/usr/local/lib/matrx/bootstrap"

  # Lines of KEY=VALUE; what is null is left out. terraform/bootstrap/settings.sh says what each takes.
  host_settings = {
    MATRX_BUCKET              = aws_s3_bucket.workspaces.id
    MATRX_WORKSPACE_ROLE_ARN  = aws_iam_role.workspace.arn
    MATRX_DATA_VOLUME         = aws_ebs_volume.data.id
    MATRX_K3S_VERSION         = var.k3s_version
    MATRX_K3S_SHA256          = var.k3s_sha256
    MATRX_TOKEN_PARAMETER     = local.token_parameter
    MATRX_DATASTORE_PARAMETER = var.datastore_parameter
    MATRX_LOG_GROUP           = aws_cloudwatch_log_group.sandbox.name
    MATRX_RELEASE_URL         = var.release_url
    MATRX_RELEASE_SHA256      = var.release_sha256
    MATRX_PRODUCT_IMAGE       = var.product_image
    MATRX_SANDBOX_IMAGE       = var.sandbox_image
    MATRX_WORKERS             = local.workers ? var.worker_count : null
    MATRX_TRUSTED_PROXIES     = local.domain ? join(",", local.load_balancer_cidr_blocks) : null
  }
  token_parameter = "/${local.name}/k3s-token"

  scripts = fileset("${path.module}/bootstrap", "*")
  # Comments stay behind, for they are a fifth of what there is room for; their lines stay, so that numbers of lines agree.
  comment = "/(?m)^ *#([^!\n].*)?$/"
  script_files = [for name in local.scripts : {
    path        = "${local.bootstrap}/${name}"
    permissions = can(regex("\\.(sh|service)$", name)) ? "0644" : "0755"
    content     = replace(file("${path.module}/bootstrap/${name}"), local.comment, "")
  }]
  cloud_config = {
    write_files = concat(local.script_files, [{
      path        = "/etc/matrx-host/bootstrap.env"
      permissions = "0600"
      content     = "MATRX_NAME=${local.name}\nMATRX_REGION=${var.aws_region}\nMATRX_PARAMETER=${aws_ssm_parameter.host.name}\n"
    }])
    runcmd = [
      ["ln", "-sfn", "${local.bootstrap}/matrx-bootstrap", "/usr/local/sbin/matrx-bootstrap"],
      ["ln", "-sfn", "${local.bootstrap}/matrx-backup", "/usr/local/sbin/matrx-backup"],
      ["ln", "-sfn", "${local.bootstrap}/matrx-bootstrap.service", "/etc/systemd/system/matrx-bootstrap.service"],
      ["systemctl", "daemon-reload"],
      # Not waited for: cloud-init would hold up the boot until the data volume is attached, which comes after it.
      ["systemctl", "enable", "--now", "--no-block", "matrx-bootstrap.service"],
    ]
  }

  # EC2 takes 16 KB, and cloud-init takes it compressed.
  user_data = base64gzip("#cloud-config\n${jsonencode(local.cloud_config)}")
}

resource "aws_ssm_parameter" "host" {
  name        = "/${local.name}/host"
  description = "Settings of the host's bootstrap; no secret among them."
  type        = "String"
  value       = join("", [for name, value in local.host_settings : "${name}=${value}\n" if value != null])
}
