data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "host_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "host" {
  name               = "${local.name}-host"
  assume_role_policy = data.aws_iam_policy_document.host_trust.json
}

resource "aws_iam_instance_profile" "host" {
  name = "${local.name}-host"
  role = aws_iam_role.host.name
}

locals {
  backup_key = ".matrx/host/${local.name}/datastore.tar.gz.enc"
  token_parameter_arns = [for name in concat([local.token_parameter], local.workers ? [local.agent_token_parameter] : []) : (
    "arn:${data.aws_partition.current.partition}:ssm:${var.aws_region}:${data.aws_caller_identity.current.account_id}:parameter${name}"
  )]
}

# What every node may, the host as well as workers.
data "aws_iam_policy_document" "node" {
  # The node driver commits and restores the homes of all users of this node. Never a version: what was deleted by
  # mistake or by a thief can be brought back by the account's owner. .matrx/probe/ is the bucket's check at start.
  statement {
    sid       = "WorkspaceObjects"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.workspaces.arn}/users/*", "${aws_s3_bucket.workspaces.arn}/.matrx/probe/*"]
  }

  statement {
    sid       = "WorkspaceList"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.workspaces.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["users/*", ".matrx/probe/*"]
    }
  }

  statement {
    sid       = "WorkspaceBucket"
    actions   = ["s3:GetBucketLocation", "s3:GetBucketVersioning"]
    resources = [aws_s3_bucket.workspaces.arn]
  }

  statement {
    sid       = "OneUserAtATime"
    actions   = ["sts:AssumeRole", "sts:TagSession"]
    resources = [aws_iam_role.workspace.arn]
  }

  # AWS knows no narrower resource for this one action.
  statement {
    sid       = "RegistryLogin"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "RegistryPull"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = local.pullable_repository_arns
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.sandbox.arn}:*"]
  }
}

data "aws_iam_policy_document" "host" {
  source_policy_documents = [data.aws_iam_policy_document.node.json]

  # The copy of the datastore: one object of this installation's name, and whether it is there.
  statement {
    sid       = "Backup"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.workspaces.arn}/${local.backup_key}"]
  }

  statement {
    sid       = "BackupList"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.workspaces.arn]

    condition {
      test     = "StringEquals"
      variable = "s3:prefix"
      values   = [local.backup_key]
    }
  }

  statement {
    sid       = "Releases"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.workspaces.arn}/.matrx/releases/*"]
  }

  # The first server makes the token that its datastore is read with, and the one that workers join with. Nobody on the host
  # can replace them.
  statement {
    sid       = "Tokens"
    actions   = ["ssm:PutParameter"]
    resources = local.token_parameter_arns

    condition {
      test     = "StringEquals"
      variable = "ssm:Overwrite"
      values   = ["false"]
    }
  }

  # AmazonSSMManagedInstanceCore, attached below, can read every parameter of the account; this host only its own.
  statement {
    sid           = "OnlyOwnParameters"
    effect        = "Deny"
    actions       = ["ssm:GetParameter", "ssm:GetParameters"]
    not_resources = ["arn:${data.aws_partition.current.partition}:ssm:${var.aws_region}:${data.aws_caller_identity.current.account_id}:parameter/${local.name}/*"]
  }
}

resource "aws_iam_role_policy" "host" {
  name   = "host"
  role   = aws_iam_role.host.id
  policy = data.aws_iam_policy_document.host.json
}

# A shell and deployments without an open port.
resource "aws_iam_role_policy_attachment" "systems_manager" {
  role       = aws_iam_role.host.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

# Assumed once per user and sandbox, with the session tag matrx-user (src/node/cold/sts-credentials.ts). All three
# conditions are needed: a comparison passes when the tag is missing, and a further tag could carry a right elsewhere.
data "aws_iam_policy_document" "workspace_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "AWS"
      identifiers = concat([aws_iam_role.host.arn], aws_iam_role.worker[*].arn)
    }

    condition {
      test     = "Null"
      variable = "aws:RequestTag/matrx-user"
      values   = ["false"]
    }

    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/matrx-user"
      values   = ["?*"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "aws:TagKeys"
      values   = ["matrx-user"]
    }
  }
}

resource "aws_iam_role" "workspace" {
  name                 = "${local.name}-workspace"
  assume_role_policy   = data.aws_iam_policy_document.workspace_trust.json
  max_session_duration = 3600
}

# The tag decides whose files: the prefix ends in a slash, so that ann does not reach anna. The session policy that the
# driver sends with each request narrows it to the same prefix once more.
data "aws_iam_policy_document" "workspace" {
  statement {
    sid       = "OwnObjects"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.workspaces.arn}/users/$${aws:PrincipalTag/matrx-user}/*"]
  }

  statement {
    sid       = "OwnList"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.workspaces.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["users/$${aws:PrincipalTag/matrx-user}/*"]
    }
  }
}

resource "aws_iam_role_policy" "workspace" {
  name   = "workspace"
  role   = aws_iam_role.workspace.id
  policy = data.aws_iam_policy_document.workspace.json
}
