resource "aws_s3_bucket" "workspaces" {
  bucket        = var.s3_bucket_name
  force_destroy = false

  # The users' files. Whoever really wants them gone takes this out first.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "workspaces" {
  bucket = aws_s3_bucket.workspaces.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "workspaces" {
  bucket = aws_s3_bucket.workspaces.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# Rights come from policies alone: an object belongs to the bucket's owner whoever wrote it.
resource "aws_s3_bucket_ownership_controls" "workspaces" {
  bucket = aws_s3_bucket.workspaces.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "workspaces" {
  bucket                  = aws_s3_bucket.workspaces.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Current objects never expire: packs are removed by the product alone, which knows what still refers to them. Replaced
# and deleted ones stay as noncurrent versions for a while; that is the way back from a mistake.
resource "aws_s3_bucket_lifecycle_configuration" "workspaces" {
  bucket     = aws_s3_bucket.workspaces.id
  depends_on = [aws_s3_bucket_versioning.workspaces]

  rule {
    id     = "noncurrent-versions"
    status = "Enabled"

    filter {
      prefix = "users/"
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_version_days
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  # The copy of the datastore is replaced every few minutes; it never expires itself.
  rule {
    id     = "older-datastores"
    status = "Enabled"

    filter {
      prefix = ".matrx/host/"
    }

    noncurrent_version_expiration {
      noncurrent_days = 14
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.workspaces.arn, "${aws_s3_bucket.workspaces.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "workspaces" {
  bucket     = aws_s3_bucket.workspaces.id
  policy     = data.aws_iam_policy_document.bucket.json
  depends_on = [aws_s3_bucket_public_access_block.workspaces]
}
