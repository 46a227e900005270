variable "github_repository" {
  description = "Repository whose workflow deploy.yml may deploy to the host, as it stands in the subject of its tokens: OWNER/NAME. Without it there is no such role."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[A-Za-z0-9][A-Za-z0-9-]*(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.github_repository))
    error_message = "github_repository must be OWNER/NAME, without an address before it and without wildcards."
  }
}

variable "github_environment" {
  description = "Environment of that repository whose runs may deploy here; the one of the name of `environment` where it is not given."
  type        = string
  default     = null

  # A colon would end the environment's part of the subject, and a wildcard is none in a comparison by StringEquals.
  validation {
    condition     = var.github_environment == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$", var.github_environment))
    error_message = "github_environment must be the name of an environment: letters, digits, dots, dashes and underscores."
  }

  validation {
    condition     = var.github_environment == null || var.github_repository != null
    error_message = "github_environment has no effect without github_repository."
  }
}

variable "github_oidc_provider_arn" {
  description = "The account's OIDC provider for GitHub, where it has one already; otherwise it is made."
  type        = string
  default     = null

  validation {
    condition     = var.github_oidc_provider_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github_oidc_provider_arn))
    error_message = "github_oidc_provider_arn must be arn:aws:iam::ACCOUNT:oidc-provider/token.actions.githubusercontent.com: the ARN of GitHub's provider, not of another one."
  }

  validation {
    condition     = var.github_oidc_provider_arn == null || var.github_repository != null
    error_message = "github_oidc_provider_arn has no effect without github_repository."
  }
}
