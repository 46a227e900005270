# With worker_count: further nodes of the host's cluster, for more sandboxes than one host has room for. They join it by the
# same scripts; each has a volume of its own for the homes of its sandboxes. docs/host.md says how they come and go.
locals {
  workers               = var.worker_count > 0
  worker_instance_type  = coalesce(var.worker_instance_type, var.ec2_instance_type)
  agent_token_parameter = "/${local.name}/k3s-agent-token"

  # Lines of KEY=VALUE, as the host has them: what is the same for all workers.
  worker_settings = {
    MATRX_K3S_URL         = "https://server.${local.name}.internal:6443"
    MATRX_K3S_VERSION     = var.k3s_version
    MATRX_K3S_SHA256      = var.k3s_sha256
    MATRX_TOKEN_PARAMETER = local.agent_token_parameter
    MATRX_LOG_GROUP       = aws_cloudwatch_log_group.sandbox.name
  }
  worker_user_data = [for index in range(var.worker_count) : base64gzip("#cloud-config\n${jsonencode(merge(local.cloud_config, {
    write_files = concat(local.script_files, [{
      path        = "/etc/matrx-host/bootstrap.env"
      permissions = "0600"
      content = join("", [for setting in [
        "MATRX_NAME=${local.name}", "MATRX_REGION=${var.aws_region}", "MATRX_PARAMETER=${aws_ssm_parameter.worker[0].name}",
        "MATRX_K3S_ROLE=agent", "MATRX_NODE_NAME=${local.name}-worker-${index}", "MATRX_DATA_VOLUME=${aws_ebs_volume.worker[index].id}",
      ] : "${setting}\n"])
    }])
  }))}")]

  # All that is open between the nodes, and to nobody else: the API server and its tunnels, kubelet, and the pods' network.
  node_rules = local.workers ? {
    api             = { to = aws_security_group.host.id, from = aws_security_group.worker[0].id, protocol = "tcp", port = 6443 }
    kubelet         = { to = aws_security_group.worker[0].id, from = aws_security_group.host.id, protocol = "tcp", port = 10250 }
    pods_to_host    = { to = aws_security_group.host.id, from = aws_security_group.worker[0].id, protocol = "udp", port = 8472 }
    pods_from_host  = { to = aws_security_group.worker[0].id, from = aws_security_group.host.id, protocol = "udp", port = 8472 }
    pods_of_workers = { to = aws_security_group.worker[0].id, from = aws_security_group.worker[0].id, protocol = "udp", port = 8472 }
  } : {}
}

data "aws_ec2_instance_type" "worker" {
  count         = local.workers ? 1 : 0
  instance_type = local.worker_instance_type
}

resource "aws_ssm_parameter" "worker" {
  count       = local.workers ? 1 : 0
  name        = "/${local.name}/worker"
  description = "Settings of the workers' bootstrap; no secret among them."
  type        = "String"
  value       = join("", [for name, value in local.worker_settings : "${name}=${value}\n" if value != null])
}

# A replaced host has another address; its name stays, so that no worker has to be told.
resource "aws_route53_zone" "internal" {
  count = local.workers ? 1 : 0
  name  = "${local.name}.internal"

  vpc {
    vpc_id = local.vpc_id
  }
}

resource "aws_route53_record" "server" {
  count   = local.workers ? 1 : 0
  zone_id = aws_route53_zone.internal[0].zone_id
  name    = "server.${local.name}.internal"
  type    = "A"
  ttl     = 30
  records = [aws_instance.host.private_ip]
}

resource "aws_security_group" "worker" {
  count       = local.workers ? 1 : 0
  name_prefix = "${local.name}-worker-"
  description = "The workers of ${local.name}: nothing in but from the other nodes"
  vpc_id      = local.vpc_id

  tags = { Name = "${local.name}-worker" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "node" {
  for_each                     = local.node_rules
  security_group_id            = each.value.to
  description                  = "Between the nodes: ${replace(each.key, "_", " ")}"
  referenced_security_group_id = each.value.from
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "worker" {
  count             = local.workers ? 1 : 0
  security_group_id = aws_security_group.worker[0].id
  description       = "Everything out"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

# Homes that are not saved yet. A drained worker has none, so it may go with its worker; for one that was not drained there
# is the snapshot.
resource "aws_ebs_volume" "worker" {
  count             = var.worker_count
  availability_zone = local.availability_zone
  type              = "gp3"
  size              = var.data_volume_gib
  encrypted         = true
  final_snapshot    = true

  tags = { Name = "${local.name}-worker-${count.index}" }
}

resource "aws_volume_attachment" "worker" {
  count       = var.worker_count
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.worker[count.index].id
  instance_id = aws_instance.worker[count.index].id

  # A running worker would lose what its page cache holds.
  stop_instance_before_detaching = true
}

resource "aws_instance" "worker" {
  count                       = var.worker_count
  ami                         = var.ec2_ami_id == null ? data.aws_ssm_parameter.al2023.insecure_value : var.ec2_ami_id
  instance_type               = local.worker_instance_type
  key_name                    = var.ec2_key_pair_name
  subnet_id                   = local.subnet_id
  vpc_security_group_ids      = [aws_security_group.worker[0].id]
  associate_public_ip_address = var.associate_public_ip
  iam_instance_profile        = aws_iam_instance_profile.worker[0].name
  user_data_base64            = local.worker_user_data[count.index]

  # As the host's: a pod is one hop away and never sees the worker's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.root_volume_gib
    encrypted   = true
    tags        = { Name = "${local.name}-worker-${count.index}", Project = var.project_name, Environment = var.environment }
  }

  depends_on = [
    aws_route.internet,
    aws_route_table_association.new,
    aws_vpc_security_group_egress_rule.worker,
    aws_iam_role_policy.worker,
    aws_iam_role_policy_attachment.worker_systems_manager,
  ]

  tags = { Name = "${local.name}-worker-${count.index}" }

  lifecycle {
    ignore_changes = [ami, user_data_base64]

    precondition {
      condition     = contains(data.aws_ec2_instance_type.worker[0].supported_architectures, local.architecture)
      error_message = "worker_instance_type ${local.worker_instance_type} is not of the host's architecture, ${local.architecture}: the images are of one."
    }
  }
}

resource "aws_iam_role" "worker" {
  count              = local.workers ? 1 : 0
  name               = "${local.name}-worker"
  assume_role_policy = data.aws_iam_policy_document.host_trust.json
}

resource "aws_iam_instance_profile" "worker" {
  count = local.workers ? 1 : 0
  name  = "${local.name}-worker"
  role  = aws_iam_role.worker[0].name
}

# What every node may, and of the parameters its settings and the token to join with: not the server token, with which
# anybody is the cluster's administrator, nor the address of the datastore, nor its backup.
data "aws_iam_policy_document" "worker" {
  count                   = local.workers ? 1 : 0
  source_policy_documents = [data.aws_iam_policy_document.node.json]

  statement {
    sid     = "OnlyOwnParameters"
    effect  = "Deny"
    actions = ["ssm:GetParameter", "ssm:GetParameters"]
    not_resources = [for name in ["/${local.name}/worker", local.agent_token_parameter] : (
      "arn:${data.aws_partition.current.partition}:ssm:${var.aws_region}:${data.aws_caller_identity.current.account_id}:parameter${name}"
    )]
  }
}

resource "aws_iam_role_policy" "worker" {
  count  = local.workers ? 1 : 0
  name   = "worker"
  role   = aws_iam_role.worker[0].id
  policy = data.aws_iam_policy_document.worker[0].json
}

resource "aws_iam_role_policy_attachment" "worker_systems_manager" {
  count      = local.workers ? 1 : 0
  role       = aws_iam_role.worker[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}
