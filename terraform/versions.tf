terraform {
  # 1.11 is the first release whose S3 backend locks by itself, without a DynamoDB table.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.81"
    }
  }

  # The bucket and the region of the state are given to `terraform init`: see backend.hcl.example and README.md.
  backend "s3" {
    key          = "matrx-sandbox/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Project     = var.project_name
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}
