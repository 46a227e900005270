# The role that .github/workflows/deploy.yml assumes by GitHub's own token, so that no key of AWS lies anywhere: docs/ci.md.
locals {
  github           = var.github_repository != null
  github_host      = "token.actions.githubusercontent.com"
  github_provider  = local.github ? coalesce(var.github_oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn)) : null
  github_subject   = "repo:${coalesce(var.github_repository, "-")}:environment:${coalesce(var.github_environment, var.environment)}"
  shell_document   = "arn:${data.aws_partition.current.partition}:ssm:${var.aws_region}::document/AWS-RunShellScript"
  host_of_commands = "arn:${data.aws_partition.current.partition}:ec2:${var.aws_region}:${data.aws_caller_identity.current.account_id}:instance/${aws_instance.host.id}"
}

# An account has one provider for a host, whoever made it: the second installation gives github_oidc_provider_arn.
resource "aws_iam_openid_connect_provider" "github" {
  count          = local.github && var.github_oidc_provider_arn == null ? 1 : 0
  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "github_trust" {
  count = local.github ? 1 : 0

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.github_provider]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:aud"
      values   = ["sts.amazonaws.com"]
    }

    # One environment of one repository. Who may deploy there, and from which branches, are rules of that environment.
    condition {
      test     = "StringEquals"
      variable = "${local.github_host}:sub"
      values   = [local.github_subject]
    }
  }
}

resource "aws_iam_role" "github" {
  count                = local.github ? 1 : 0
  name                 = "${local.name}-github"
  assume_role_policy   = data.aws_iam_policy_document.github_trust[0].json
  max_session_duration = 3600
}

# What `make push-images` and `make roll-out` do, and nothing else.
data "aws_iam_policy_document" "github" {
  count = local.github ? 1 : 0

  # AWS knows no narrower resource for this one action.
  statement {
    sid       = "RegistryLogin"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "RegistryPush"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
    ]
    resources = local.own_repository_arns
  }

  # A command needs both: the document, and the host that it is sent to.
  statement {
    sid       = "RollOut"
    actions   = ["ssm:SendCommand"]
    resources = [local.shell_document, local.host_of_commands]
  }

  # Nor for this one: what the command has come to, by its id.
  statement {
    sid       = "RollOutResult"
    actions   = ["ssm:GetCommandInvocation"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "github" {
  count  = local.github ? 1 : 0
  name   = "deploy"
  role   = aws_iam_role.github[0].id
  policy = data.aws_iam_policy_document.github[0].json
}
