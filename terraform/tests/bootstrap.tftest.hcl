# What the host is told, from variables to user data. Nothing reaches AWS.
mock_provider "aws" {
  source          = "./tests/aws"
  override_during = plan

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/matrx-sandbox-dev-workspace" }
  }
}

variables {
  s3_bucket_name = "matrx-workspaces-1"
}

run "without_a_release" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.host.name == "/matrx-sandbox-dev/host" && aws_ssm_parameter.host.type == "String"
    error_message = "The settings are not where the host looks for them."
  }

  assert {
    condition     = aws_ssm_parameter.host.value == <<-END
      MATRX_BUCKET=matrx-workspaces-1
      MATRX_DATA_VOLUME=vol-0123456789abcdef0
      MATRX_LOG_GROUP=/matrx/sandbox/matrx-sandbox-dev
      MATRX_TOKEN_PARAMETER=/matrx-sandbox-dev/k3s-token
      MATRX_WORKSPACE_ROLE_ARN=arn:aws:iam::123456789012:role/matrx-sandbox-dev-workspace
    END
    error_message = "These are not the settings: ${nonsensitive(aws_ssm_parameter.host.value)}"
  }

  # base64 of what EC2 counts.
  assert {
    condition     = length(aws_instance.host.user_data_base64) / 4 * 3 <= 16384
    error_message = "The user data is longer than the 16 KB that EC2 takes."
  }

  assert {
    condition = [for file in local.cloud_config.write_files : split("\n", file.content)[0] if endswith(file.path, "/matrx-bootstrap")] == ["#!/usr/bin/env bash"] && (
      alltrue([for file in local.cloud_config.write_files : !can(regex("(?m)^ *# ", file.content))])
    )
    error_message = "The scripts are not those of bootstrap/ without their comments."
  }

  assert {
    condition     = aws_ebs_volume.data.availability_zone == "us-east-1b"
    error_message = "The volume is not in the zone of the host's subnet."
  }
}

run "with_everything" {
  command = plan

  variables {
    project_name        = "a-very-long-project-name"
    environment         = "production-eu-ab"
    k3s_version         = "v1.36.4+k3s1"
    k3s_sha256          = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    datastore_parameter = "/a-very-long-project-name-production-eu-ab/datastore"
    release_url         = "s3://matrx-workspaces-1/.matrx/releases/one.tar.gz"
    release_sha256      = "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f"
    product_image       = "registry.example/product:one"
    sandbox_image       = "registry.example/sandbox:one"
  }

  assert {
    condition     = length(regexall("(?m)^MATRX_[A-Z0-9_]+=[^ \n]+$", aws_ssm_parameter.host.value)) == 12
    error_message = "A setting is missing: ${nonsensitive(aws_ssm_parameter.host.value)}"
  }

  assert {
    condition     = length(aws_instance.host.user_data_base64) / 4 * 3 <= 16384
    error_message = "The user data is longer than the 16 KB that EC2 takes."
  }
}
