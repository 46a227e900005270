# Who may deploy, and what that is. Nothing reaches AWS.
mock_provider "aws" {
  source          = "./tests/aws"
  override_during = plan

  mock_resource "aws_instance" {
    defaults = { id = "i-0123456789abcdef0" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/matrx-sandbox-dev-github" }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  s3_bucket_name = "matrx-workspaces-1"
}

run "without_a_repository" {
  command = plan

  assert {
    condition     = length(aws_iam_role.github) == 0 && length(aws_iam_openid_connect_provider.github) == 0 && output.github_role_arn == null
    error_message = "Somebody may deploy who was not named."
  }
}

run "with_a_repository" {
  command = plan

  variables {
    github_repository = "owner/repository"
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com"
    error_message = "The provider is not GitHub's."
  }

  assert {
    condition     = local.github_subject == "repo:owner/repository:environment:dev"
    error_message = "These are not the runs of that environment: ${local.github_subject}"
  }

  assert {
    condition = toset([for condition in data.aws_iam_policy_document.github_trust[0].statement[0].condition : "${condition.test} ${condition.variable} ${join(",", condition.values)}"]) == toset([
      "StringEquals token.actions.githubusercontent.com:aud sts.amazonaws.com",
      "StringEquals token.actions.githubusercontent.com:sub repo:owner/repository:environment:dev",
    ])
    error_message = "The trust is wider than one environment of one repository."
  }

  assert {
    condition     = data.aws_iam_policy_document.github_trust[0].statement[0].actions == toset(["sts:AssumeRoleWithWebIdentity"])
    error_message = "The role is assumed otherwise than by a token of GitHub."
  }

  assert {
    condition = local.shell_document == "arn:aws:ssm:us-east-1::document/AWS-RunShellScript" && (
      local.host_of_commands == "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"
    )
    error_message = "Commands may be sent elsewhere: ${local.shell_document}, ${local.host_of_commands}"
  }

  assert {
    condition     = output.github_role_arn == "arn:aws:iam::123456789012:role/matrx-sandbox-dev-github"
    error_message = "The role is not said."
  }
}

run "with_the_accounts_provider" {
  command = plan

  variables {
    github_repository        = "owner-1/repository-2"
    github_environment       = "prod"
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && local.github_provider == var.github_oidc_provider_arn
    error_message = "A second provider for GitHub would be made, which AWS refuses."
  }

  assert {
    condition     = local.github_subject == "repo:owner-1/repository-2:environment:prod"
    error_message = "These are not the runs of that environment: ${local.github_subject}"
  }
}
