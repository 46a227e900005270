variable "aws_region" {
  description = "Region of everything that is created."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be the name of a region, such as us-east-1."
  }
}

variable "environment" {
  description = "Part of every name, so that several installations fit into one account."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters, digits and dashes, starting with a letter and not ending in a dash."
  }
}

variable "project_name" {
  description = "Start of every name."
  type        = string
  default     = "matrx-sandbox"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.project_name)) && !strcontains(var.project_name, "--")
    error_message = "project_name must be 2 to 24 lower-case letters, digits and single dashes, starting with a letter and not ending in a dash."
  }
}

variable "s3_bucket_name" {
  description = "Bucket of the workspaces. It is created, and `terraform destroy` refuses to remove it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.s3_bucket_name))
    error_message = "s3_bucket_name must be 3 to 63 lower-case letters, digits and dashes, starting and ending with a letter or digit. No dots: the certificate of S3 does not cover names with dots."
  }

  validation {
    condition = !(
      startswith(var.s3_bucket_name, "xn--") || startswith(var.s3_bucket_name, "sthree-") ||
      endswith(var.s3_bucket_name, "-s3alias") || endswith(var.s3_bucket_name, "--ol-s3")
    )
    error_message = "s3_bucket_name must not start with xn-- or sthree-, nor end in -s3alias or --ol-s3: S3 keeps these names for itself."
  }
}

variable "noncurrent_version_days" {
  description = "Days for which a replaced or deleted object of a workspace can still be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_version_days >= 7 && var.noncurrent_version_days <= 3650 && floor(var.noncurrent_version_days) == var.noncurrent_version_days
    error_message = "noncurrent_version_days must be a whole number from 7 to 3650; below a week, a mistake made before a holiday is found too late."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "ecr_repo_arn" {
  description = "A further ECR repository that the host may pull from, beside those that are created here."
  type        = string
  default     = null

  validation {
    condition     = var.ecr_repo_arn == null || can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9][a-z0-9._/-]*$", var.ecr_repo_arn))
    error_message = "ecr_repo_arn must be the ARN of one repository, without wildcards: arn:aws:ecr:REGION:ACCOUNT:repository/NAME."
  }
}
