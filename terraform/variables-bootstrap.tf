variable "data_volume_gib" {
  description = "Size of the volume that outlives the host: the datastore, and the homes that are not saved yet."
  type        = number
  default     = 50

  validation {
    condition     = var.data_volume_gib >= 10 && var.data_volume_gib <= 16384 && floor(var.data_volume_gib) == var.data_volume_gib
    error_message = "data_volume_gib must be a whole number from 10 to 16384."
  }
}

variable "k3s_version" {
  description = "Another release of k3s than the one that terraform/bootstrap/k3s.sh pins."
  type        = string
  default     = null

  validation {
    condition     = var.k3s_version == null || can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+$", var.k3s_version))
    error_message = "k3s_version must be the name of a release, such as v1.36.4+k3s1."
  }

  validation {
    condition     = (var.k3s_version == null) == (var.k3s_sha256 == null)
    error_message = "k3s_version and k3s_sha256 go together: give both or neither."
  }
}

variable "k3s_sha256" {
  description = "SHA-256 of that release's program for the host's architecture, from its sha256sum-….txt."
  type        = string
  default     = null

  validation {
    condition     = var.k3s_sha256 == null || can(regex("^[0-9a-f]{64}$", var.k3s_sha256))
    error_message = "k3s_sha256 must be 64 lower-case hexadecimal digits."
  }
}

variable "datastore_parameter" {
  description = "Name of a SecureString parameter with the address of an external datastore. Without it: SQLite on the data volume."
  type        = string
  default     = null

  validation {
    condition     = var.datastore_parameter == null || can(regex("^/[A-Za-z0-9_./-]+$", var.datastore_parameter))
    error_message = "datastore_parameter must be the name of a parameter, such as /matrx-sandbox-dev/datastore, and not the address itself."
  }

  validation {
    condition     = var.datastore_parameter == null || startswith(coalesce(var.datastore_parameter, "/"), "/${var.project_name}-${var.environment}/")
    error_message = "datastore_parameter must start with /PROJECT_NAME-ENVIRONMENT/: the host's role may read no other."
  }
}

variable "release_url" {
  description = "Archive of the first release to install: https://… or s3://… below .matrx/releases/ of the bucket. Later ones are rolled out."
  type        = string
  default     = null

  validation {
    condition     = var.release_url == null || can(regex("^(https|s3)://[^[:space:]]+$", var.release_url))
    error_message = "release_url must start with https:// or s3:// and hold no spaces."
  }

  validation {
    condition = length(distinct([
      var.release_url == null, var.release_sha256 == null, var.product_image == null, var.sandbox_image == null,
    ])) == 1
    error_message = "release_url, release_sha256, product_image and sandbox_image go together: give all four or none."
  }
}

variable "release_sha256" {
  description = "SHA-256 of that archive."
  type        = string
  default     = null

  validation {
    condition     = var.release_sha256 == null || can(regex("^[0-9a-f]{64}$", var.release_sha256))
    error_message = "release_sha256 must be 64 lower-case hexadecimal digits."
  }
}

variable "product_image" {
  description = "The product's image of the first release, with its tag or digest."
  type        = string
  default     = null

  validation {
    condition     = var.product_image == null || can(regex("^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.product_image))
    error_message = "product_image must be an image with its tag or digest: REPOSITORY:TAG."
  }
}

variable "sandbox_image" {
  description = "The sandboxes' image of the first release, with its tag or digest."
  type        = string
  default     = null

  validation {
    condition     = var.sandbox_image == null || can(regex("^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.sandbox_image))
    error_message = "sandbox_image must be an image with its tag or digest: REPOSITORY:TAG."
  }
}
