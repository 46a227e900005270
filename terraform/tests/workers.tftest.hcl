# Further nodes: what they are told, and what is open between them. Nothing reaches AWS.
mock_provider "aws" {
  source          = "./tests/aws"
  override_during = plan

  mock_data "aws_ec2_instance_type" {
    defaults = { supported_architectures = ["x86_64"] }
  }

  mock_resource "aws_instance" {
    defaults = { id = "i-0123456789abcdef0", private_ip = "10.80.0.10" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/matrx-sandbox-dev-worker" }
  }
}

override_resource {
  override_during = plan
  target          = aws_iam_role.host
  values          = { arn = "arn:aws:iam::123456789012:role/matrx-sandbox-dev-host" }
}

override_resource {
  override_during = plan
  target          = aws_security_group.host
  values          = { id = "sg-host" }
}

override_resource {
  override_during = plan
  target          = aws_security_group.worker
  values          = { id = "sg-worker" }
}

variables {
  s3_bucket_name = "matrx-workspaces-1"
}

run "without_workers" {
  command = plan

  assert {
    condition = length(aws_instance.worker) == 0 && length(aws_ebs_volume.worker) == 0 && length(aws_route53_zone.internal) == 0 && (
      length(aws_vpc_security_group_ingress_rule.node) == 0
    )
    error_message = "Something of workers is made that nobody asked for."
  }

  assert {
    condition     = !strcontains(aws_ssm_parameter.host.value, "MATRX_WORKERS") && local.token_parameter_arns == ["arn:aws:ssm:us-east-1:123456789012:parameter/matrx-sandbox-dev/k3s-token"]
    error_message = "The host makes a token for workers that there are not."
  }
}

run "with_two_workers" {
  command = plan

  variables {
    worker_count         = 2
    worker_instance_type = "m7i.2xlarge"
    k3s_version          = "v1.36.4+k3s1"
    k3s_sha256           = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
  }

  assert {
    condition     = [for worker in aws_instance.worker : worker.instance_type] == ["m7i.2xlarge", "m7i.2xlarge"]
    error_message = "These are not the workers that were asked for."
  }

  assert {
    condition     = aws_ssm_parameter.worker[0].name == "/matrx-sandbox-dev/worker" && aws_ssm_parameter.worker[0].value == <<-END
      MATRX_K3S_SHA256=835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f
      MATRX_K3S_URL=https://server.matrx-sandbox-dev.internal:6443
      MATRX_K3S_VERSION=v1.36.4+k3s1
      MATRX_LOG_GROUP=/matrx/sandbox/matrx-sandbox-dev
      MATRX_TOKEN_PARAMETER=/matrx-sandbox-dev/k3s-agent-token
    END
    error_message = "These are not the workers' settings: ${nonsensitive(aws_ssm_parameter.worker[0].value)}"
  }

  assert {
    condition     = strcontains(aws_ssm_parameter.host.value, "MATRX_WORKERS=2\n")
    error_message = "The host does not know of its workers: ${nonsensitive(aws_ssm_parameter.host.value)}"
  }

  assert {
    condition     = aws_route53_record.server[0].name == "server.matrx-sandbox-dev.internal" && aws_route53_record.server[0].records == toset(["10.80.0.10"])
    error_message = "Workers would not find the server."
  }

  assert {
    condition = { for name, rule in aws_vpc_security_group_ingress_rule.node :
      name => "${rule.referenced_security_group_id} to ${rule.security_group_id}: ${rule.from_port}-${rule.to_port}/${rule.ip_protocol}"
      } == {
      api             = "sg-worker to sg-host: 6443-6443/tcp"
      kubelet         = "sg-host to sg-worker: 10250-10250/tcp"
      pods_to_host    = "sg-worker to sg-host: 8472-8472/udp"
      pods_from_host  = "sg-host to sg-worker: 8472-8472/udp"
      pods_of_workers = "sg-worker to sg-worker: 8472-8472/udp"
    }
    error_message = "Something else is open between the nodes."
  }

  # base64 of what EC2 counts.
  assert {
    condition     = alltrue([for worker in aws_instance.worker : length(worker.user_data_base64) / 4 * 3 <= 16384])
    error_message = "The user data is longer than the 16 KB that EC2 takes."
  }

  assert {
    condition     = length(distinct(aws_instance.worker[*].user_data_base64)) == 2
    error_message = "Two workers would have one name."
  }

  assert {
    condition = local.token_parameter_arns == [
      "arn:aws:ssm:us-east-1:123456789012:parameter/matrx-sandbox-dev/k3s-token",
      "arn:aws:ssm:us-east-1:123456789012:parameter/matrx-sandbox-dev/k3s-agent-token",
    ]
    error_message = "The host may not make the token that workers join with: ${join(" ", local.token_parameter_arns)}"
  }

  assert {
    condition     = one(data.aws_iam_policy_document.workspace_trust.statement[0].principals).identifiers == toset([aws_iam_role.host.arn, aws_iam_role.worker[0].arn])
    error_message = "A worker may not assume the workspace role."
  }
}

run "refuses_workers_of_another_architecture" {
  command         = plan
  expect_failures = [aws_instance.worker]

  variables {
    worker_count         = 1
    worker_instance_type = "m7g.large"
  }

  override_data {
    target = data.aws_ec2_instance_type.worker[0]
    values = { supported_architectures = ["arm64"] }
  }
}
