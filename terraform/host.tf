locals {
  name         = "${var.project_name}-${var.environment}"
  architecture = contains(data.aws_ec2_instance_type.host.supported_architectures, "arm64") ? "arm64" : "x86_64"
}

data "aws_ec2_instance_type" "host" {
  instance_type = var.ec2_instance_type
}

data "aws_ssm_parameter" "al2023" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${local.architecture}"
}

resource "aws_instance" "host" {
  ami                         = var.ec2_ami_id == null ? data.aws_ssm_parameter.al2023.insecure_value : var.ec2_ami_id
  instance_type               = var.ec2_instance_type
  key_name                    = var.ec2_key_pair_name
  subnet_id                   = local.subnet_id
  vpc_security_group_ids      = [aws_security_group.host.id]
  associate_public_ip_address = var.associate_public_ip
  iam_instance_profile        = aws_iam_instance_profile.host.name
  user_data_base64            = local.user_data

  # Tokens only, and their answers die at the first hop: a pod is one hop away and never sees the host's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.root_volume_gib
    encrypted   = true
    tags        = { Name = "${local.name}-host", Project = var.project_name, Environment = var.environment }
  }

  dynamic "instance_market_options" {
    for_each = var.ec2_use_spot ? [true] : []

    content {
      market_type = "spot"

      # Stopped, not terminated, when AWS takes it back: the disk, and what is not saved yet, stays.
      spot_options {
        spot_instance_type             = "persistent"
        instance_interruption_behavior = "stop"
        max_price                      = var.ec2_spot_max_price
      }
    }
  }

  # It reaches for registries, its settings and the bucket as soon as it boots.
  depends_on = [
    aws_route.internet,
    aws_route_table_association.new,
    aws_vpc_security_group_egress_rule.all,
    aws_iam_role_policy.host,
    aws_iam_role_policy_attachment.systems_manager,
  ]

  tags = { Name = "${local.name}-host" }

  # A newer Amazon Linux is no reason to replace the host under running sandboxes, nor are newer scripts a reason to stop
  # it, which a change of user data is to AWS: `terraform apply -replace` is.
  lifecycle {
    ignore_changes = [ami, user_data_base64]
  }
}

resource "aws_cloudwatch_log_group" "sandbox" {
  name              = "/matrx/sandbox/${local.name}"
  retention_in_days = var.log_retention_days
}
